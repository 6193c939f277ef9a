#include "npu/gemm/reference.h"

namespace troika::npu {
namespace {

template <typename Sum, typename X, typename W>
std::vector<Sum> sums(const GemmShape& shape, std::span<const X> x, std::span<const W> w, Sum (*product)(X, W)) {
  std::vector<Sum> y(size_t(shape.m) * shape.n);
  for (int m = 0; m < shape.m; ++m)
    for (int n = 0; n < shape.n; ++n) {
      Sum sum = 0;
      for (int k = 0; k < shape.k; ++k) sum += product(x[size_t(m) * shape.k + k], w[size_t(n) * shape.k + k]);
      y[size_t(m) * shape.n + n] = sum;
    }
  return y;
}

}  // namespace

std::vector<int32_t> multiply(const GemmShape& shape, std::span<const int8_t> x, std::span<const int8_t> w) {
  return sums<int32_t, int8_t, int8_t>(shape, x, w, [](int8_t a, int8_t b) { return int32_t(a) * b; });
}

std::vector<int32_t> multiply(const GemmShape& shape, std::span<const int16_t> x, std::span<const int8_t> w) {
  return sums<int32_t, int16_t, int8_t>(shape, x, w, [](int16_t a, int8_t b) { return int32_t(a) * b; });
}

std::vector<double> multiply(const GemmShape& shape, std::span<const bf16> x, std::span<const bf16> w) {
  return sums<double, bf16, bf16>(shape, x, w, [](bf16 a, bf16 b) { return double(bf16_to_float(a)) * bf16_to_float(b); });
}

}  // namespace troika::npu
