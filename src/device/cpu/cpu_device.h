// The CPU as a device: weights are read where the file's mapping has them, ops run on a pool of threads.
#pragma once

#include "device/device.h"

namespace troika::device::cpu {

std::unique_ptr<Device> make(const DeviceOptions& options);

}  // namespace troika::device::cpu
