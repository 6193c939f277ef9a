// A GPU through Vulkan: the integrated ones of laptops first, any other with a driver for Vulkan 1.3 as well.
#pragma once

#include "device/device.h"

namespace troika::device::vulkan {

std::unique_ptr<Device> make(const DeviceOptions& options);  // throws Error where there is no GPU that will do

// What an executable that this device compiled submits each time.
struct Recorded {
  int dispatches = 0, barriers = 0;
};
Recorded recorded(const Executable& executable);

}  // namespace troika::device::vulkan
