// The CPU as a device: matrices are copied into panels at load (repack.h) or read where the file is mapped, ops run on
// a pool of threads.
#pragma once

#include "device/device.h"

namespace troika::device::cpu {

std::unique_ptr<Device> make(const DeviceOptions& options);

}  // namespace troika::device::cpu
