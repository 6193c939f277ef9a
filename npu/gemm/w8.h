// Weights of 8 bits: a float for each output channel, nothing under it. weight[n][k] = channel_scale[n] · int8.
//
// X comes as int8, or as int16 where 8 bits do not hold it (A16). Sums have 32 bits all the same, so values of int16 are made
// only as large as the weights allow: |x| · Σk |int8[n][k]| < 2^31 for every n. Up to K = 516 that leaves all 16 bits with any
// weights; 18944 whose mean is a fifth of the largest leave 13.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace troika::npu {

constexpr int kMostX8 = 127;

struct W8Matrix {
  int n = 0, k = 0;                  // output channels, inputs
  std::vector<float> channel_scale;  // [n]
  std::vector<int8_t> values;        // [n, k], −127 to 127
};

// The largest |x| with which no sum overflows, at most 32767.
int most_x16(const W8Matrix& w);

// Rounds float [n, k]. A channel of tiny weights (magnitude.h) is one of zeros, with a scale of 0. Throws Error where a weight
// is no number or infinite.
W8Matrix quantise_w8(std::span<const float> weights, int n, int k);

}  // namespace troika::npu
