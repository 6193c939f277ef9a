#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"
#include "engine/known_row.h"

namespace troika::engine {
namespace {

// Of the thread, not of a request: all this is needed for one token at a time only.
struct Scratch {
  LogitRow row;
  KnownRow known;
  std::vector<Candidate> candidates;
  std::vector<float> adjusted;  // [V]
};
Scratch& scratch() {
  thread_local Scratch s;
  return s;
}

// A list is sorted and summed candidate by candidate; beyond this length that costs more than passes over the row.
constexpr int kLongestList = 1024;

// Ids ascending: what comes of candidates depends on their set alone, to the last bit of their sums.
void sort_by_id(std::vector<Candidate>& candidates) { std::ranges::sort(candidates, {}, &Candidate::id); }

bool penalises(const SamplingOptions& o) {
  return o.repetition_penalty != 1 || o.presence_penalty != 0 || o.frequency_penalty != 0;
}

bool may_raise(const SamplingOptions& o) {
  return !o.logit_bias.empty() || !(o.repetition_penalty >= 1) || !(o.presence_penalty >= 0) || !(o.frequency_penalty >= 0);
}

double total(const std::vector<Candidate>& candidates) {
  double sum = 0;
  for (const Candidate& c : candidates) sum += std::exp(double(c.logit));
  return sum;
}

void keep_top_k(std::vector<Candidate>& candidates, size_t k) {
  if (k == 0 || k >= candidates.size()) return;
  std::nth_element(candidates.begin(), candidates.begin() + static_cast<ptrdiff_t>(k), candidates.end(), kMoreLikely);
  candidates.resize(k);
  sort_by_id(candidates);
}

// The fewest candidates, the first in order `before` first, that hold the wanted mass. Sorts only as far as
// needed: 64, then four times as many, until they suffice.
template <typename Before>
void keep_mass(std::vector<Candidate>& candidates, double wanted, Before before) {
  double mass = 0;
  size_t sorted = 0, kept = 0;
  while (kept < candidates.size() && (mass < wanted || kept == 0)) {
    if (kept == sorted) {
      size_t end = std::min(candidates.size(), std::max<size_t>(64, sorted * 4));
      std::partial_sort(candidates.begin() + static_cast<ptrdiff_t>(sorted),
                        candidates.begin() + static_cast<ptrdiff_t>(end), candidates.end(), before);
      sorted = end;
    }
    mass += std::exp(double(candidates[kept++].logit));
  }
  candidates.resize(kept);
}

// Locally typical sampling (Meister et al. 2022, arXiv:2202.00666): tokens whose surprise is nearest the entropy.
void keep_typical(std::vector<Candidate>& candidates, float typical_p) {
  if (typical_p >= 1) return;
  double sum = total(candidates), log_total = std::log(sum), entropy = 0;
  for (const Candidate& c : candidates) {
    double log_p = c.logit - log_total;
    entropy -= std::exp(log_p) * log_p;
  }
  keep_mass(candidates, typical_p * sum, [&](const Candidate& a, const Candidate& b) {
    double from_a = std::abs(log_total - a.logit - entropy), from_b = std::abs(log_total - b.logit - entropy);
    return from_a != from_b ? from_a < from_b : a.id < b.id;
  });
}

void keep_top_p(std::vector<Candidate>& candidates, float top_p) {
  if (top_p < 1) keep_mass(candidates, top_p * total(candidates), kMoreLikely);
}

void keep_min_p(std::vector<Candidate>& candidates, float min_p) {
  if (min_p <= 0) return;
  float best = std::min_element(candidates.begin(), candidates.end(), kMoreLikely)->logit;
  float least = best + std::log(min_p);
  std::erase_if(candidates, [&](const Candidate& c) { return c.logit < least && c.logit < best; });
}

// All others become impossible. A word of the mask at a time: most are all zeros or all ones.
void keep_allowed(std::span<float> logits, const grammar::TokenMask& allowed) {
  constexpr float kImpossible = -std::numeric_limits<float>::infinity();
  constexpr size_t kBits = 64;
  for (size_t begin = 0; begin < logits.size(); begin += kBits) {
    const uint64_t word = allowed.words()[begin / kBits];
    const std::span<float> part = logits.subspan(begin, std::min(kBits, logits.size() - begin));
    if (word == 0) {
      std::fill(part.begin(), part.end(), kImpossible);
    } else if (~word != 0) {
      for (size_t i = 0; i < part.size(); ++i) part[i] = word >> i & 1 ? part[i] : kImpossible;
    }
  }
}

}  // namespace

Sampler::Sampler(const SamplingOptions& options, std::span<const int32_t> prompt, int vocabulary,
                 const kernels::KernelTable& table)
    : options_(options),
      vocabulary_(static_cast<size_t>(vocabulary)),
      table_(&table),
      random_(options.seed ? *options.seed : std::random_device{}()) {
  if (!penalises(options_)) return;
  times_.assign(vocabulary_, -1);
  seen_.reserve(vocabulary_);
  if (options_.repetition_penalty == 1) return;
  for (int32_t id : prompt) notice(id, 0);
}

int32_t Sampler::pick(std::span<const float> logits, const grammar::TokenMask* allowed) {
  LogitRow& row = scratch().row;
  logits = logits.first(std::min(logits.size(), vocabulary_));
  if (adjusts() || allowed) {
    std::vector<float>& adjusted = scratch().adjusted;
    adjusted.assign(logits.begin(), logits.end());
    adjust(adjusted);
    if (allowed) keep_allowed(adjusted, *allowed);
    logits = adjusted;
  }
  row.read(logits, *table_);
  if (!std::isfinite(row.largest())) fail("the largest logit is no finite number; are the weights damaged?");
  int32_t id = row.best();
  if (options_.temperature > 0) id = draws_from_list() ? draw_from_list() : draw_from_row();
  remember(id);
  return id;
}

bool Sampler::draws_from_list() const {
  return options_.typical_p < 1 || (options_.top_k > 0 && options_.top_k <= kLongestList);
}

ops::Wanted Sampler::wanted(bool constrained) const {
  const SamplingOptions& o = options_;
  const bool knows_sum = !constrained && !penalises(o), cuts = o.top_p < 1 ? knows_sum : o.min_p > 0;
  const bool from_top = o.top_k > 0 ? o.top_k < device::kTopLogits : o.typical_p >= 1 && cuts;
  ops::Wanted wanted{.whole = 0};
  if (may_raise(o) || (o.temperature > 0 && !from_top)) wanted.whole = ops::Wanted::logits;
  if (o.temperature > 0) wanted.factor = scale_of(0, o.temperature).factor;
  return wanted;
}

std::optional<int32_t> Sampler::pick(const device::TopLogits& top, const grammar::TokenMask* allowed) {
  if (wanted(allowed != nullptr).whole || !top.all_numbers) return std::nullopt;
  KnownRow& known = scratch().known;
  known.clear(top);
  for (const auto& [id, logit] : top.listed()) {
    if (size_t(id) < vocabulary_ && (!allowed || allowed->allows(id))) known.add(id, penalised(id, logit));
  }
  std::optional<int32_t> id = known.best();
  if (!id) return std::nullopt;
  if (options_.temperature > 0) {
    known.scale_by(options_.temperature);
    if (draws_from_list()) {
      if (!known.has_all() && known.size() < size_t(options_.top_k)) return std::nullopt;
    } else {
      const auto kept = known.count_kept(options_, top.drawable_sum);
      if (!kept) return std::nullopt;
      known.keep(*kept);
    }
    LogitRow& row = scratch().row;
    row.read(known.lay_out(), *table_);
    if (draws_from_list()) {
      id = draw_from_list();
    } else {
      row.weigh(options_.temperature);
      id = row.draw(point());
    }
    id = known.id_of(*id);
  }
  remember(*id);
  return id;
}

void Sampler::remember(int32_t id) {
  if (!times_.empty()) notice(id, 1);
}

void Sampler::notice(int32_t id, int times) {
  if (id < 0 || static_cast<size_t>(id) >= vocabulary_) return;
  int32_t& here = times_[id];
  if (here < 0) {
    here = 0;
    seen_.push_back(id);
  }
  here += times;
}

void Sampler::adjust(std::span<float> logits) const {
  for (int32_t id : seen_) {
    if (id < static_cast<int32_t>(logits.size())) logits[id] = penalised(id, logits[id]);
  }
  for (auto [id, bias] : options_.logit_bias) {
    if (id < static_cast<int32_t>(logits.size())) logits[id] += bias;
  }
}

float Sampler::penalised(int32_t id, float logit) const {
  const int32_t times = times_.empty() ? -1 : times_[id];
  if (times < 0) return logit;
  logit = logit > 0 ? logit / options_.repetition_penalty : logit * options_.repetition_penalty;
  if (times > 0) logit -= options_.presence_penalty + options_.frequency_penalty * static_cast<float>(times);
  return logit;
}

int32_t Sampler::draw_from_list() {
  std::vector<Candidate>& candidates = scratch().candidates;
  scratch().row.gather(options_.temperature, options_.top_k, candidates);
  keep_top_k(candidates, options_.top_k);
  keep_typical(candidates, options_.typical_p);
  keep_top_p(candidates, options_.top_p);
  keep_min_p(candidates, options_.min_p);
  sort_by_id(candidates);
  double left = point() * total(candidates);
  for (const Candidate& c : candidates) {
    left -= std::exp(double(c.logit));
    if (left < 0) return c.id;
  }
  return candidates.back().id;
}

int32_t Sampler::draw_from_row() {
  LogitRow& row = scratch().row;
  row.weigh(options_.temperature);
  if (options_.top_k > 0) row.keep_count(options_.top_k);
  if (options_.top_p < 1) row.keep_mass(options_.top_p);
  if (options_.min_p > 0) row.keep_above(std::log(options_.min_p));
  return row.draw(point());
}

Logprobs::Logprobs(std::span<const float> logits, const kernels::KernelTable& table) : logits_(logits) {
  LogitRow& row = scratch().row;
  row.read(logits, table);
  row.weigh(1);
  log_sum_ = row.log_sum();
}

std::vector<TokenLogprob> Logprobs::top(int count) const {
  std::vector<TokenLogprob> top;
  if (count <= 0) return top;
  std::vector<Candidate>& found = scratch().candidates;
  scratch().row.find_largest(static_cast<size_t>(count), found);
  for (const Candidate& c : found) top.push_back({c.id, static_cast<float>(c.logit - log_sum_)});
  return top;
}

std::optional<TokenLogprobs> logprobs_of(const device::TopLogits& top, int32_t id, int count) {
  const auto listed = top.listed();
  const auto own = std::ranges::find(listed, id, &device::TopLogit::id);
  if (!top.all_numbers || own == listed.end() || !std::isfinite(top.sum)) return std::nullopt;
  const double log_sum = double{listed[0].logit} + std::log(double{top.sum});
  const auto logprob = [&](float logit) { return static_cast<float>(logit - log_sum); };
  TokenLogprobs logprobs{.own = logprob(own->logit), .top = {}};
  for (const auto& [other, logit] : listed.first(std::min(listed.size(), size_t(std::max(count, 0))))) {
    logprobs.top.push_back({other, logprob(logit)});
  }
  return logprobs;
}

}  // namespace troika::engine
