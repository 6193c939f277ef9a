// The NPU as a device: its array multiplies with weights, the CPU does everything else. The array is simulated, on the CPU and
// very slowly; its instruction streams, layouts and kernels are those of the real one (docs/npu.md).
#pragma once

#include "device/device.h"
#include "device/npu/rounding.h"

namespace troika::device::npu {

std::unique_ptr<Device> make(const DeviceOptions& options, const Rounding& rounding = {});

}  // namespace troika::device::npu
