// The largest magnitude of numbers that are rounded with one scale: of a row of X, of an output channel's weights.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace troika::npu {

// What stays below is 0: its inverse, times what the largest shall become, has to be a number, and so has its scale.
inline constexpr float kLeastMagnitude = 1e-30f;

// 0 where all are tiny; NaN where one is no number or infinite.
inline float largest_magnitude(std::span<const float> values) {
  float largest = 0;
  bool are_finite = true;
  for (float v : values) {
    largest = std::max(largest, std::fabs(v));
    are_finite &= std::isfinite(v);
  }
  if (!are_finite) return std::numeric_limits<float>::quiet_NaN();
  return largest < kLeastMagnitude ? 0 : largest;
}

}  // namespace troika::npu
