// What the NPU's products are, plainly: the definition that kernels and the simulated array are compared with.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "npu/gemm/tiling.h"

namespace troika::npu {

// x int8 [M, K], w int8 [N, K] -> int32 [M, N].
std::vector<int32_t> multiply(const GemmShape& shape, std::span<const int8_t> x, std::span<const int8_t> w);
// The same of int16, whose sums are to fit int32.
std::vector<int32_t> multiply(const GemmShape& shape, std::span<const int16_t> x, std::span<const int8_t> w);
// The same of bfloat16, summed in double.
std::vector<double> multiply(const GemmShape& shape, std::span<const bf16> x, std::span<const bf16> w);

}  // namespace troika::npu
