// Rows of floats to the array and back, compared with products of floats.
#include "npu/gemm/rows.h"

#include <cmath>
#include <cstring>
#include <gmock/gmock.h>
#include <limits>

#include "npu/gemm/reference.h"
#include "npu/gemm/w8.h"

namespace troika::npu {
namespace {

constexpr int kRows = 3, kDepth = 100, kWidth = 37;
constexpr GemmShape kShape{256, 256, 128};

std::vector<float> waves(size_t count, float pitch) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = std::sin(pitch * float(i));
  return values;
}

// A product by way of what the array reads and would write.
std::vector<float> product(std::span<const float> x, std::span<const float> w, std::span<const float> bias) {
  std::vector<float> padded(size_t(kShape.n) * kShape.k);
  for (int n = 0; n < kWidth; ++n) std::copy_n(&w[size_t(n) * kDepth], kDepth, &padded[size_t(n) * kShape.k]);
  W8Matrix weights = quantise_w8(padded, kShape.n, kShape.k);
  std::vector<std::byte> packed_x(packed_x_bytes(kW8A8, kShape)), packed_y(packed_y_bytes(kW8A8, kShape));
  std::vector<float> scales(kRows), y(kRows * kWidth);
  round_rows(kW8A8, kShape, x, kDepth, packed_x, scales);
  std::vector<int8_t> plain_x(size_t(kShape.m) * kShape.k);
  for (int m = 0; m < kShape.m; ++m)
    for (int k = 0; k < kShape.k; ++k)
      plain_x[size_t(m) * kShape.k + k] = int8_t(packed_x[place_in_x(kW8A8, kShape, m, k)]);
  std::vector<int32_t> sums = multiply(kShape, plain_x, weights.values);
  for (int m = 0; m < kShape.m; ++m)
    for (int n = 0; n < kShape.n; ++n)
      std::memcpy(&packed_y[4 * place_in_y(kW8A8, kShape, m, n)], &sums[size_t(m) * kShape.n + n], 4);
  scale_sums(kW8A8, kShape, packed_y, scales, weights.channel_scale, bias, kWidth, y);
  return y;
}

TEST(Rows, ComeBackAsTheProductOfTheirFloats) {
  std::vector<float> x = waves(kRows * kDepth, 0.7f), w = waves(kWidth * kDepth, 1.3f), bias = waves(kWidth, 2);
  std::vector<float> y = product(x, w, bias);
  for (int m = 0; m < kRows; ++m)
    for (int n = 0; n < kWidth; ++n) {
      double sum = bias[n];
      for (int k = 0; k < kDepth; ++k) sum += double(x[size_t(m) * kDepth + k]) * w[size_t(n) * kDepth + k];
      EXPECT_NEAR(y[size_t(m) * kWidth + n], sum, 0.1) << m << ", " << n;
    }
}

TEST(Rows, OfZerosAreTheBias) {
  std::vector<float> x(kRows * kDepth), w = waves(kWidth * kDepth, 1.3f), bias = waves(kWidth, 2);
  std::vector<float> y = product(x, w, bias);
  for (int n = 0; n < kWidth; ++n) EXPECT_EQ(y[n], bias[n]);
}

TEST(Rows, WithAValueThatIsNoNumberAreNoNumbersAndOthersStay) {
  std::vector<float> x = waves(kRows * kDepth, 0.7f), w = waves(kWidth * kDepth, 1.3f);
  std::vector<float> before = product(x, w, {});
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    x[kDepth + 5] = bad;
    std::vector<float> y = product(x, w, {});
    for (int n = 0; n < kWidth; ++n) {
      EXPECT_EQ(y[n], before[n]);
      EXPECT_TRUE(std::isnan(y[kWidth + n]));
      EXPECT_EQ(y[2 * kWidth + n], before[2 * kWidth + n]);
    }
  }
}

TEST(W8, KeepsEveryWeightWithinHalfAStep) {
  std::vector<float> weights = waves(kWidth * kDepth, 1.7f);
  W8Matrix w = quantise_w8(weights, kWidth, kDepth);
  for (int n = 0; n < kWidth; ++n)
    for (int k = 0; k < kDepth; ++k) {
      size_t at = size_t(n) * kDepth + k;
      EXPECT_NEAR(w.values[at] * w.channel_scale[n], weights[at], 0.501f * w.channel_scale[n]);
    }
}

}  // namespace
}  // namespace troika::npu
