// Weights of 8 bits: a float for each output channel, nothing under it. weight[n][k] = channel_scale[n] · int8.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace troika::npu {

struct W8Matrix {
  int n = 0, k = 0;                  // output channels, inputs
  std::vector<float> channel_scale;  // [n]
  std::vector<int8_t> values;        // [n, k], −127 to 127
};

// Rounds float [n, k].
W8Matrix quantise_w8(std::span<const float> weights, int n, int k);

}  // namespace troika::npu
