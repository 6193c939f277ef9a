// The definition of what a device tells of a row of logits (device::TopLogits).
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "device/device.h"

namespace troika::device {

inline TopLogits plain_top(std::span<const float> logits, int drawable, float factor) {
  std::vector<TopLogit> all;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!std::isnan(logits[i])) all.push_back({int32_t(i), logits[i]});
  }
  TopLogits top{.count = int32_t(std::min(all.size(), size_t(kTopLogits))), .all_numbers = all.size() == logits.size()};
  std::ranges::sort(all, [](TopLogit a, TopLogit b) { return a.logit != b.logit ? a.logit > b.logit : a.id < b.id; });
  std::copy_n(all.begin(), top.count, top.largest);
  const auto sum = [&](int end, float by) {
    double total = 0;
    float largest = -INFINITY;
    for (const TopLogit& t : all) {
      if (t.id < end) largest = std::max(largest, t.logit);
    }
    for (const TopLogit& t : all) {
      if (t.id < end && t.logit > -INFINITY) total += std::exp(double((t.logit - largest) * by));
    }
    return float(total);
  };
  top.sum = sum(int(logits.size()), 1);
  top.drawable_sum = sum(drawable, factor);
  return top;
}

}  // namespace troika::device
