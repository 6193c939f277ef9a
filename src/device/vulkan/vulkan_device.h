// A GPU through Vulkan: the integrated ones of laptops first, any other with a driver for Vulkan 1.3 as well.
#pragma once

#include "device/device.h"

namespace troika::device::vulkan {

// Where the host reads logits: in the arena if it reads that fast, else, or always, in a copy of the rows that it wants.
enum class Results : uint8_t { in_place, copied };

// Throws Error where there is no GPU that will do.
std::unique_ptr<Device> make(const DeviceOptions& options, Results results = Results::in_place);

// What an executable that this device compiled submits each time.
struct Recorded {
  int dispatches = 0, barriers = 0;
};
Recorded recorded(const Executable& executable);

}  // namespace troika::device::vulkan
