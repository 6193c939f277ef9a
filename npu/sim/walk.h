// The order in which a buffer descriptor visits words: nested steps, the innermost first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "npu/design/spec.h"

namespace troika::npu::sim {

constexpr uint32_t kUnbounded = std::numeric_limits<uint32_t>::max();

class Walk {
 public:
  // `words` in all. The outermost size may be kUnbounded. No dimensions: one word after the other.
  Walk(uint64_t words, std::vector<Dimension> dimensions) : left_(words), dimensions_(std::move(dimensions)) {
    if (dimensions_.empty()) dimensions_.push_back({kUnbounded, 1});
    at_.resize(dimensions_.size());
  }

  uint64_t left() const { return left_; }

  struct Run {
    uint64_t word = 0;  // from the descriptor's first
    uint32_t words = 0;
  };
  // The next words that stand in a row, no more than `most`.
  Run next(uint32_t most) {
    uint64_t word = 0;
    for (size_t i = 0; i < at_.size(); ++i) word += uint64_t{at_[i]} * dimensions_[i].stride;
    uint32_t words = dimensions_[0].stride == 1 ? std::min(most, dimensions_[0].size - at_[0]) : 1;
    words = uint32_t(std::min<uint64_t>(words, left_));
    left_ -= words;
    at_[0] += words;
    for (size_t i = 0; i + 1 < at_.size() && at_[i] == dimensions_[i].size; ++i) at_[i] = 0, ++at_[i + 1];
    return {word, words};
  }

 private:
  uint64_t left_;
  std::vector<Dimension> dimensions_;
  std::vector<uint32_t> at_;
};

}  // namespace troika::npu::sim
