// How often a measured value fell between which bounds: plain counters that one thread writes and others read in
// copies (EngineStats). The bounds belong to the type, so that a copy is nothing but numbers.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <span>

namespace troika::engine {

template <const auto& kBounds>
struct Histogram {
  std::array<int64_t, std::size(kBounds) + 1> counts{};  // [i]: up to and with bound i, above the one before
  double sum = 0;

  void add(double value) {
    ++counts[size_t(std::lower_bound(std::begin(kBounds), std::end(kBounds), value) - std::begin(kBounds))];
    sum += value;
  }
  void add(const Histogram& more) {
    for (size_t i = 0; i < counts.size(); ++i) counts[i] += more.counts[i];
    sum += more.sum;
  }
  int64_t count() const { return std::accumulate(counts.begin(), counts.end(), int64_t{0}); }
  static std::span<const double> bounds() { return kBounds; }
};

// Each covers a 0.5 B model on a fast machine to a 32 B one on a slow laptop.
inline constexpr std::array kWaitBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0};
inline constexpr std::array kGapBounds = {0.001,  0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1,
                                          0.15,   0.2,   0.3,  0.5,  1.0,  2.5,  5.0};
inline constexpr std::array kRowBounds = {1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0};  // the buckets

using WaitHistogram = Histogram<kWaitBounds>;  // seconds until something has come
using GapHistogram = Histogram<kGapBounds>;    // seconds between two tokens, or of a step
using RowHistogram = Histogram<kRowBounds>;    // tokens in a step

}  // namespace troika::engine
