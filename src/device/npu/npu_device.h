// The NPU as a device: it multiplies with weights and does nothing else; the other ops are for the next device of a list. Its
// array is simulated, on the CPU and very slowly; its instruction streams, layouts and kernels are those of the real one
// (docs/npu.md).
#pragma once

#include "device/device.h"
#include "device/npu/rounding.h"

namespace troika::device::npu {

std::unique_ptr<Device> make(const DeviceOptions& options, const Rounding& rounding = {});

}  // namespace troika::device::npu
