#include "npu/gemm/w4.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "npu/gemm/magnitude.h"

namespace troika::npu {
namespace {

// A channel's largest int8 before its groups are rounded. A group's scale is at most ⌈2·119/15⌉ = 16, and rounding adds
// at most half of it: 119 + 8 = 127.
constexpr float kChannelMax = 119;

void quantise_group(const float* values, float inverse_scale, int8_t& scale, uint8_t& zero, uint8_t* q) {
  float low = 0, high = 0;  // zero is always a value: it is what padding has
  for (int i = 0; i < kW4Group; ++i) {
    low = std::min(low, values[i] * inverse_scale);
    high = std::max(high, values[i] * inverse_scale);
  }
  float step = std::max(1.0f, std::ceil((high - low) / 15));
  zero = uint8_t(std::round(-low / step));
  scale = int8_t(step);
  for (int i = 0; i < kW4Group; ++i)
    q[i] = uint8_t(std::clamp(std::round(values[i] * inverse_scale / step) + float(zero), 0.0f, 15.0f));
}

}  // namespace

W4Matrix quantise_w4(std::span<const float> weights, int n, int k) {
  if (k % kW4Group) fail("Weights with {} inputs are no whole groups of {}.", k, kW4Group);
  check(weights.size() == size_t(n) * k, "size of the weights");
  size_t groups = size_t(n) * (k / kW4Group);
  W4Matrix w{n, k, std::vector<float>(n), std::vector<int8_t>(groups), std::vector<uint8_t>(groups),
             std::vector<uint8_t>(size_t(n) * k)};
  for (int row = 0; row < n; ++row) {
    const float* values = &weights[size_t(row) * k];
    const float largest = largest_magnitude({values, size_t(k)});
    if (std::isnan(largest)) fail("Output channel {} has a weight that is no number; its file is damaged.", row);
    w.channel_scale[row] = largest / kChannelMax;
    const float inverse = largest > 0 ? kChannelMax / largest : 0;
    for (int i = 0; i < k; i += kW4Group) {
      size_t group = w.group(row, i);
      quantise_group(values + i, inverse, w.group_scale[group], w.zero[group], &w.q[size_t(row) * k + i]);
    }
  }
  return w;
}

std::vector<int8_t> int8_of(const W4Matrix& w) {
  std::vector<int8_t> values(w.q.size());
  for (int row = 0; row < w.n; ++row)
    for (int i = 0; i < w.k; ++i) {
      size_t at = size_t(row) * w.k + i, group = w.group(row, i);
      values[at] = int8_t((w.q[at] - w.zero[group]) * w.group_scale[group]);
    }
  return values;
}

}  // namespace troika::npu
