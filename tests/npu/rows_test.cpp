// Rows of floats to the array and back, compared with products of floats.
#include "npu/gemm/rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <gmock/gmock.h>
#include <limits>

#include "base/error.h"
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

template <typename Number>
std::vector<Number> unpack_x(const GemmTile& tile, std::span<const std::byte> packed) {
  std::vector<Number> x(size_t(kShape.m) * kShape.k);
  for (int m = 0; m < kShape.m; ++m)
    for (int k = 0; k < kShape.k; ++k)
      std::memcpy(&x[size_t(m) * kShape.k + k], &packed[place_in_x(tile, kShape, m, k)], sizeof(Number));
  return x;
}

// A product by way of what the array reads and would write.
std::vector<float> product(std::span<const float> x, std::span<const float> w, std::span<const float> bias,
                           const GemmTile& tile = kW8A8) {
  std::vector<float> padded(size_t(kShape.n) * kShape.k);
  for (int n = 0; n < kWidth; ++n) std::copy_n(&w[size_t(n) * kDepth], kDepth, &padded[size_t(n) * kShape.k]);
  W8Matrix weights = quantise_w8(padded, kShape.n, kShape.k);
  std::vector<std::byte> packed_x(packed_x_bytes(tile, kShape)), packed_y(packed_y_bytes(tile, kShape));
  std::vector<float> scales(kRows), y(kRows * kWidth);
  const bool wide = tile.x == XKind::i16;
  round_rows(tile, kShape, x, kDepth, wide ? most_x16(weights) : kMostX8, packed_x, scales);
  std::vector<int32_t> sums = wide ? multiply(kShape, unpack_x<int16_t>(tile, packed_x), weights.values)
                                   : multiply(kShape, unpack_x<int8_t>(tile, packed_x), weights.values);
  for (int m = 0; m < kShape.m; ++m)
    for (int n = 0; n < kShape.n; ++n)
      std::memcpy(&packed_y[4 * place_in_y(tile, kShape, m, n)], &sums[size_t(m) * kShape.n + n], 4);
  scale_sums(tile, kShape, packed_y, scales, weights.channel_scale, bias, kWidth, y);
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

// An outlier in a row costs the others their bits with int8, and little with int16.
TEST(Rows, OfInt16KeepWhatAnOutlierTakesFromInt8) {
  std::vector<float> x = waves(kRows * kDepth, 0.7f), w = waves(kWidth * kDepth, 1.3f);
  for (int m = 0; m < kRows; ++m) x[size_t(m) * kDepth + 7] = 300;
  double worst[2] = {};
  for (bool wide : {false, true}) {
    std::vector<float> y = product(x, w, {}, wide ? kW8A16 : kW8A8);
    W8Matrix rounded = quantise_w8(w, kWidth, kDepth);  // the weights' own rounding is not what is asked
    for (int m = 0; m < kRows; ++m)
      for (int n = 0; n < kWidth; ++n) {
        double sum = 0;
        for (int k = 0; k < kDepth; ++k)
          sum += double(x[size_t(m) * kDepth + k]) * rounded.values[size_t(n) * kDepth + k] * rounded.channel_scale[n];
        worst[wide] = std::max(worst[wide], std::fabs(y[size_t(m) * kWidth + n] - sum));
      }
  }
  EXPECT_GT(worst[false], 1);
  EXPECT_LT(worst[true], 0.05);
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

TEST(Rows, OfTinyValuesAreZeros) {
  std::vector<float> x = waves(kRows * kDepth, 0.7f), w = waves(kWidth * kDepth, 1.3f), bias = waves(kWidth, 2);
  for (float tiny : {1e-31f, std::numeric_limits<float>::denorm_min()}) {
    for (int k = 0; k < kDepth; ++k) x[kDepth + k] = k % 3 ? tiny : 0;
    const std::vector<float> y = product(x, w, bias);
    for (int n = 0; n < kWidth; ++n) EXPECT_EQ(y[kWidth + n], bias[n]);
    std::vector<std::byte> packed(packed_x_bytes(kW8A8, kShape));
    std::vector<float> scales(kRows);
    round_rows(kW8A8, kShape, x, kDepth, kMostX8, packed, scales);
    const std::vector<int8_t> rounded = unpack_x<int8_t>(kW8A8, packed);
    EXPECT_EQ(scales[1], 0);
    EXPECT_EQ(std::count(&rounded[kShape.k], &rounded[kShape.k] + kShape.k, 0), kShape.k);
  }
}

TEST(W8, OfTinyWeightsAreZerosAndOfNoNumbersAreRefused) {
  for (float tiny : {1e-31f, std::numeric_limits<float>::denorm_min()}) {
    std::vector<float> weights(2 * kDepth, tiny);
    weights[3] = 0;
    weights[kDepth] = 1;
    const W8Matrix w = quantise_w8(weights, 2, kDepth);
    EXPECT_EQ(w.channel_scale, (std::vector<float>{0, 1.0f / 127}));
    std::vector<int8_t> expected(2 * kDepth);
    expected[kDepth] = 127;
    EXPECT_EQ(w.values, expected);
  }
  std::vector<float> weights = waves(kDepth, 1.3f);
  for (float odd : {INFINITY, -INFINITY, NAN}) {
    weights[5] = odd;
    EXPECT_THAT([&] { quantise_w8(weights, 1, kDepth); },
                ::testing::ThrowsMessage<Error>(::testing::HasSubstr("Output channel 0 has a weight that is no number")));
  }
}

TEST(W8, LeavesInt16WhatItsSumsHold) {
  W8Matrix w{2, 1000, {1, 1}, std::vector<int8_t>(2000)};
  EXPECT_EQ(most_x16(w), 32767);
  std::fill_n(w.values.begin() + 1000, 1000, int8_t(-127));
  EXPECT_EQ(most_x16(w), 16909);  // 16909 · 127000 is 2^31 less 40,648
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
