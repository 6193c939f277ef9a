// The NPU as a device: it multiplies with weights and does nothing else; the other ops are for the next device of a list.
// Where no plug-in drives an array, it is simulated, on the CPU and very slowly, with the same instruction streams, layouts
// and kernels (docs/npu.md).
#pragma once

#include "device/device.h"
#include "device/npu/rounding.h"
#include "npu/runtime/open.h"

namespace troika::device::npu {

// Throws DeviceAbsent.
std::unique_ptr<Device> make(const DeviceOptions& options, const Rounding& rounding = {},
                             troika::npu::ArrayOptions array = troika::npu::wanted_array());

// Of a weight that such an op reads, as the array holds it; 0: it does not.
size_t most_bytes(ops::OpKind op, Format format, const Shape& weight);

}  // namespace troika::device::npu
