// One row of logits [V] and the weights of its tokens, e^x with x = (logit - largest) / temperature. The vocabulary is
// never sorted: the largest logit of each block of tokens tells where to look for the most likely ones, and a histogram
// of the weights finds where a wanted mass ends. What is kept is always the beginning of one order: more likely first,
// of equal ones the lower id.
//
// Weights, sums and hence choices have the same bits on every instruction set (kernels/choose.h). A row is scratch for
// the work on one token after another: it grows to the largest vocabulary and stays. One thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "kernels/kernel_table.h"

namespace troika::engine {

struct Candidate {
  int32_t id;
  float logit;  // after penalties, bias and temperature; the best has 0
};

// More likely first; equal ones by id, so that a tie never depends on how candidates were moved about.
inline constexpr auto kMoreLikely = [](const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
};

inline kernels::LogitScale scale_of(float largest, float temperature) {
  return {.largest = largest, .factor = std::min(1 / temperature, std::numeric_limits<float>::max())};  // 0 · ∞ is no number
}

class LogitRow {
 public:
  // Looks at logits, which stay where they are until the next call.
  void read(std::span<const float> logits, const kernels::KernelTable& table = kernels::kernel_table());

  // The largest logit's token, of equal ones the first; 0 when logits[0] is no number, which others are passed over.
  int32_t best() const { return best_; }
  float largest() const { return logits_[best_]; }

  // Candidates with weight, by id: all (count 0), or at least the `count` most likely.
  void gather(float temperature, size_t count, std::vector<Candidate>& found);
  // The `count` largest of the logits as they are, in order; those that are no numbers are left out.
  void find_largest(size_t count, std::vector<Candidate>& found);

  // Computes the weights; the calls below work on these. `total` is their sum.
  void weigh(float temperature);
  double total() const;
  double log_sum() const;  // log Σ e^(logit / temperature)

  // Keep the `count` most likely; the fewest that hold `share` of the mass, at least one; those with x >= bound, and
  // the best ones. Others lose their weight.
  void keep_count(size_t count);
  void keep_mass(double share);
  void keep_above(float bound);

  // The token where the point, 0 <= point < 1 of the mass, lies when weights are laid side by side by id.
  int32_t draw(double point) const;

 private:
  // Tokens up to this one in the order are kept.
  struct Cut {
    float x;
    int32_t id;
  };
  static constexpr int kBlock = kernels::kChoiceBlock;
  static constexpr int kBins = 512, kLanes = 4;  // lanes: neighbours often fall into one bin, and would wait in turn

  float scaled(float logit) const { return (logit - scale_.largest) * scale_.factor; }
  size_t blocks() const { return largest_.size(); }
  size_t end_of(size_t block) const;
  float reached_by(size_t count);
  template <typename Measure>
  Cut cut_at(double wanted, float floor, Measure measure);
  template <typename Measure>
  Cut cut_among(std::vector<Candidate>& list, double mass, double wanted, Measure measure) const;
  void keep(Cut cut);

  const kernels::KernelTable* table_ = nullptr;
  std::span<const float> logits_;
  kernels::LogitScale scale_{};
  int32_t best_ = 0;
  std::vector<float> largest_;      // of each block
  std::vector<float> order_;        // scratch: the same, partly sorted
  std::vector<double> weights_;     // [V] in whole blocks, valid where the block's sum is not 0
  std::vector<double> sums_;        // of each block
  std::vector<Candidate> in_bin_;   // scratch: those of the bin where the cut lies
  std::array<double, (kBins + 1) * kLanes> measures_;  // scratch: of each bin; the last takes what is below all
};

}  // namespace troika::engine
