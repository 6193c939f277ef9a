// The definition of sampling: what engine/sampler.h does, candidate by candidate with the standard library's e^x.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "engine/request.h"

namespace troika::engine::plain {

class Sampler {
 public:
  // `vocabulary`: ids from there on are padding rows of the head and are never drawn.
  Sampler(const SamplingOptions& options, std::span<const int32_t> prompt, int vocabulary);

  // Picks from logits [V] and remembers the choice. Throws Error when the largest logit is no finite number.
  int32_t pick(std::span<const float> logits);

  // Remembers a token that was not picked but given.
  void remember(int32_t id);

 private:
  struct Candidate {
    int32_t id;
    float logit;  // after penalties, bias and temperature
  };

  void adjust(std::span<float> logits) const;
  void gather(std::span<const float> logits, float largest);
  void keep_top_k();
  template <typename Before>
  void keep_mass(double wanted, Before before);
  void keep_typical();
  void keep_top_p();
  void keep_min_p();
  int32_t draw();
  double total() const;

  SamplingOptions options_;
  int vocabulary_;
  std::mt19937_64 random_;
  std::unordered_map<int32_t, int> generated_;  // id → times generated; 0: in the prompt only
  std::vector<float> logits_;
  std::vector<Candidate> candidates_;
};


// Tokens this far below the best one (in natural-log units) have no measurable probability: e^-50 of it.
constexpr float kNegligible = 50;

inline bool filters(const SamplingOptions& o) { return o.top_k > 0 || o.top_p < 1 || o.min_p > 0 || o.typical_p < 1; }

inline double log_sum(std::span<const float> logits) {
  float largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (float l : logits) sum += std::exp(l - largest);
  return largest + std::log(sum);
}

inline int32_t argmax(std::span<const float> logits) {
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

inline Sampler::Sampler(const SamplingOptions& options, std::span<const int32_t> prompt, int vocabulary)
    : options_(options), vocabulary_(vocabulary), random_(options.seed ? *options.seed : std::random_device{}()) {
  if (options.repetition_penalty != 1) {
    for (int32_t id : prompt) generated_.emplace(id, 0);
  }
}

inline int32_t Sampler::pick(std::span<const float> logits) {
  logits = logits.first(std::min<size_t>(logits.size(), vocabulary_));
  bool adjusts = !options_.logit_bias.empty() || !generated_.empty();
  if (adjusts) {
    logits_.assign(logits.begin(), logits.end());
    adjust(logits_);
    logits = logits_;
  }
  int32_t id = argmax(logits);
  if (!std::isfinite(logits[id])) fail("the largest logit is no finite number; are the weights damaged?");
  if (options_.temperature > 0) {
    gather(logits, logits[id]);
    if (filters(options_)) {
      keep_top_k();
      keep_typical();
      keep_top_p();
      keep_min_p();
    }
    id = draw();
  }
  remember(id);
  return id;
}

inline void Sampler::remember(int32_t id) {
  bool matters = options_.repetition_penalty != 1 || options_.presence_penalty != 0 || options_.frequency_penalty != 0;
  if (matters) ++generated_[id];
}

inline void Sampler::adjust(std::span<float> logits) const {
  for (auto [id, times] : generated_) {
    if (id >= static_cast<int32_t>(logits.size())) continue;
    float& l = logits[id];
    l = l > 0 ? l / options_.repetition_penalty : l * options_.repetition_penalty;
    if (times > 0) l -= options_.presence_penalty + options_.frequency_penalty * static_cast<float>(times);
  }
  for (auto [id, bias] : options_.logit_bias) {
    if (id < static_cast<int32_t>(logits.size())) logits[id] += bias;
  }
}

inline void Sampler::gather(std::span<const float> logits, float largest) {
  candidates_.clear();
  float scale = std::min(1 / options_.temperature, std::numeric_limits<float>::max());  // 0 · ∞ is no number
  for (size_t id = 0; id < logits.size(); ++id) {
    float l = (logits[id] - largest) * scale;  // the best has 0
    if (l > -kNegligible) candidates_.push_back({static_cast<int32_t>(id), l});
  }
}

inline double Sampler::total() const {
  double sum = 0;
  for (const Candidate& c : candidates_) sum += std::exp(double(c.logit));
  return sum;
}

// More likely first; equal ones by id, so that a tie never depends on how candidates were moved about.
constexpr auto kMoreLikely = [](const auto& a, const auto& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
};

inline void Sampler::keep_top_k() {
  size_t k = options_.top_k;
  if (k == 0 || k >= candidates_.size()) return;
  std::nth_element(candidates_.begin(), candidates_.begin() + static_cast<ptrdiff_t>(k), candidates_.end(), kMoreLikely);
  candidates_.resize(k);
}

// The fewest candidates, the first in order `before` first, that hold the wanted mass. Sorts only as far as
// needed: 64, then four times as many, until they suffice.
template <typename Before>
void Sampler::keep_mass(double wanted, Before before) {
  double mass = 0;
  size_t sorted = 0, kept = 0;
  while (kept < candidates_.size() && (mass < wanted || kept == 0)) {
    if (kept == sorted) {
      size_t end = std::min(candidates_.size(), std::max<size_t>(64, sorted * 4));
      std::partial_sort(candidates_.begin() + static_cast<ptrdiff_t>(sorted),
                        candidates_.begin() + static_cast<ptrdiff_t>(end), candidates_.end(), before);
      sorted = end;
    }
    mass += std::exp(double(candidates_[kept++].logit));
  }
  candidates_.resize(kept);
}

// Locally typical sampling (Meister et al. 2022, arXiv:2202.00666): tokens whose surprise is nearest the entropy.
inline void Sampler::keep_typical() {
  if (options_.typical_p >= 1) return;
  double sum = total(), log_total = std::log(sum), entropy = 0;
  for (const Candidate& c : candidates_) {
    double log_p = c.logit - log_total;
    entropy -= std::exp(log_p) * log_p;
  }
  keep_mass(options_.typical_p * sum, [&](const Candidate& a, const Candidate& b) {
    double from_a = std::abs(log_total - a.logit - entropy), from_b = std::abs(log_total - b.logit - entropy);
    return from_a != from_b ? from_a < from_b : a.id < b.id;
  });
}

inline void Sampler::keep_top_p() {
  if (options_.top_p < 1) keep_mass(options_.top_p * total(), kMoreLikely);
}

inline void Sampler::keep_min_p() {
  if (options_.min_p <= 0) return;
  float best = std::min_element(candidates_.begin(), candidates_.end(), kMoreLikely)->logit;
  float least = best + std::log(options_.min_p);
  std::erase_if(candidates_, [&](const Candidate& c) { return c.logit < least && c.logit < best; });
}

inline int32_t Sampler::draw() {
  // Ids ascending: the draw then depends on the set of candidates alone.
  if (filters(options_)) {
    std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
  }
  double point = double(random_() >> 11) * 0x1p-53 * total();
  for (const Candidate& c : candidates_) {
    point -= std::exp(double(c.logit));
    if (point < 0) return c.id;
  }
  return candidates_.back().id;
}

inline float logprob(std::span<const float> logits, int32_t id) {
  return static_cast<float>(logits[id] - log_sum(logits));
}

inline std::vector<TokenLogprob> top_logprobs(std::span<const float> logits, int top) {
  std::vector<int32_t> ids(logits.size());
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i);
  top = std::min<int>(top, static_cast<int>(ids.size()));
  std::partial_sort(ids.begin(), ids.begin() + top, ids.end(), [&](int32_t a, int32_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  });
  double all = log_sum(logits);
  std::vector<TokenLogprob> result;
  for (int i = 0; i < top; ++i) result.push_back({ids[i], static_cast<float>(logits[ids[i]] - all)});
  return result;
}

}  // namespace troika::engine::plain
