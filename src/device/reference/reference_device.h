// The reference ops behind a device's door, so that any model can be run on their plain definitions. Slow.
// Weights are unpacked to float32; caches must be float32.
#pragma once

#include "device/device.h"

namespace troika::device::reference {

std::unique_ptr<Device> make(const DeviceOptions& options);

}  // namespace troika::device::reference
