#include "npu/gemm/reference.h"

namespace troika::npu {

std::vector<int32_t> multiply(const GemmShape& shape, std::span<const int8_t> x, std::span<const int8_t> w) {
  std::vector<int32_t> y(size_t(shape.m) * shape.n);
  for (int m = 0; m < shape.m; ++m)
    for (int n = 0; n < shape.n; ++n) {
      int32_t sum = 0;
      for (int k = 0; k < shape.k; ++k) sum += int32_t(x[size_t(m) * shape.k + k]) * w[size_t(n) * shape.k + k];
      y[size_t(m) * shape.n + n] = sum;
    }
  return y;
}

}  // namespace troika::npu
