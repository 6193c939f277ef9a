#include "engine/known_row.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace troika::engine {
namespace {

constexpr float kImpossible = -std::numeric_limits<float>::infinity();

// By which a device's sum may be wrong, with room to spare: a cut this near is left to the whole row.
constexpr double kSumError = 1e-4;

}  // namespace

KnownRow::KnownRow() {
  tokens_.reserve(device::kTopLogits);
  row_.reserve(size_t{device::kTopLogits} * kernels::kChoiceBlock);
  blocks_.reserve(device::kTopLogits);
}

void KnownRow::clear(const device::TopLogits& top) {
  tokens_.clear();
  bound_ = top.count < device::kTopLogits ? kImpossible : top.listed().back().logit;
}

std::optional<int32_t> KnownRow::best() const {
  const auto first = std::ranges::min_element(tokens_, [](const Token& a, const Token& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  });
  if (first == tokens_.end() || !std::isfinite(first->logit) || first->logit <= bound_) return std::nullopt;
  return first->id;
}

void KnownRow::scale_by(float temperature) {
  scale_ = scale_of(std::ranges::max(tokens_, {}, &Token::logit).logit, temperature);
  for (Token& t : tokens_) t.x = scaled(t.logit);
  others_ = scaled(bound_);
  const float least = std::max(others_, kernels::kNegligible);
  std::erase_if(tokens_, [&](const Token& t) { return t.x <= least; });
  std::ranges::sort(tokens_, [](const Token& a, const Token& b) { return a.x != b.x ? a.x > b.x : a.id < b.id; });
}

std::optional<size_t> KnownRow::count_kept(const SamplingOptions& options, float sum) const {
  const bool cuts_mass = options.top_p < 1;
  if (cuts_mass && !(sum > 0.5f && std::isfinite(sum))) return std::nullopt;
  const float least = options.min_p > 0 ? std::min(std::log(options.min_p), 0.0f) : kImpossible;
  const double wanted = options.top_p * double{sum};
  double mass = 0;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i].x < least) return i;
    mass += std::exp(double{tokens_[i].x});
    if (!cuts_mass || mass < wanted * (1 - kSumError)) continue;
    if (mass < wanted * (1 + kSumError)) return std::nullopt;
    return i + 1;
  }
  if (others_ < least || (has_all() && !cuts_mass)) return tokens_.size();
  return std::nullopt;
}

std::span<const float> KnownRow::lay_out() {
  constexpr int32_t kBlock = kernels::kChoiceBlock;
  blocks_.clear();
  for (const Token& t : tokens_) blocks_.push_back(t.id / kBlock);
  std::ranges::sort(blocks_);
  blocks_.erase(std::unique(blocks_.begin(), blocks_.end()), blocks_.end());
  row_.assign(blocks_.size() * kBlock, kImpossible);
  for (const Token& t : tokens_) {
    const auto block = std::ranges::lower_bound(blocks_, t.id / kBlock) - blocks_.begin();
    row_[size_t(block * kBlock + t.id % kBlock)] = t.logit;
  }
  return row_;
}

int32_t KnownRow::id_of(int32_t place) const {
  constexpr int32_t kBlock = kernels::kChoiceBlock;
  return blocks_[size_t(place / kBlock)] * kBlock + place % kBlock;
}

}  // namespace troika::engine
