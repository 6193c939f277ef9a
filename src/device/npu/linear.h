// A linear op on the array: rows are rounded and laid out, the product runs, sums become floats.
#pragma once

#include <memory>

#include "device/device.h"
#include "device/npu/npu_weight.h"
#include "device/npu/product_array.h"

namespace troika::device::npu {

// Whether the array does this op, if it holds the weight: products with the whole of a matrix.
bool runs_on_array(const ops::Program& program, const ops::Op& op);

std::unique_ptr<Executable> compile_linear(const Segment& segment, const ops::Op& op,
                                           const std::shared_ptr<ProductArray>& array);

}  // namespace troika::device::npu
