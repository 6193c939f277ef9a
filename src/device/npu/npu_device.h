// The NPU as a device: its array multiplies with weights, the CPU does everything else. Where no plug-in drives an array, it is
// simulated, on the CPU and very slowly, with the same instruction streams, layouts and kernels (docs/npu.md).
#pragma once

#include "device/device.h"
#include "device/npu/rounding.h"
#include "npu/runtime/open.h"

namespace troika::device::npu {

// The CPU's device where the NPU cannot be had; the log says why.
std::unique_ptr<Device> make(const DeviceOptions& options, double most_error = kMostError,
                             troika::npu::ArrayOptions array = troika::npu::wanted_array());

}  // namespace troika::device::npu
