// Weights of 4 bits in two levels: a float for each output channel, and under it, for 64 k at a time, a small scale and a
// zero that bring 4 bits to int8. The product then runs in integers over all of K, and floats meet it once, at the end.
//
//   weight[n][k] = channel_scale[n] · int8,   int8 = (q[n][k] − zero[n][k/64]) · group_scale[n][k/64]
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace troika::npu {

constexpr int kW4Group = 64;

struct W4Matrix {
  int n = 0, k = 0;                  // output channels, inputs: a multiple of 64
  std::vector<float> channel_scale;  // [n]
  std::vector<int8_t> group_scale;   // [n, k/64]
  std::vector<uint8_t> zero;         // [n, k/64], 0 to 15
  std::vector<uint8_t> q;            // [n, k], 0 to 15

  size_t group(int row, int column) const { return size_t(row) * (k / kW4Group) + column / kW4Group; }
};

// Rounds float [n, k]. Every int8 of the result lies within −127 to 127. A channel of tiny weights (magnitude.h) is one of
// zeros, with a scale of 0. Throws Error where a weight is no number or infinite.
W4Matrix quantise_w4(std::span<const float> weights, int n, int k);

// The int8 values, [n, k].
std::vector<int8_t> int8_of(const W4Matrix& w);

}  // namespace troika::npu
