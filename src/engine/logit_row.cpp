#include "engine/logit_row.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace troika::engine {

void LogitRow::read(std::span<const float> logits, const kernels::KernelTable& table) {
  table_ = &table;
  logits_ = logits;
  largest_.resize((logits.size() + kBlock - 1) / kBlock);
  table.largest_of_blocks(logits.data(), logits.size(), largest_.data());
  best_ = 0;
  if (std::isnan(logits[0])) return;
  size_t block = std::max_element(largest_.begin(), largest_.end()) - largest_.begin();
  for (size_t i = block * kBlock; i < end_of(block); ++i) {
    if (logits[i] == largest_[block]) {
      best_ = static_cast<int32_t>(i);
      return;
    }
  }
}

size_t LogitRow::end_of(size_t block) const { return std::min((block + 1) * kBlock, logits_.size()); }

// A logit that at least `count` tokens reach, and seldom many more: the count-th of the blocks' largest.
float LogitRow::reached_by(size_t count) {
  if (count == 0 || count > blocks()) return -std::numeric_limits<float>::infinity();
  order_ = largest_;
  auto last = order_.begin() + static_cast<ptrdiff_t>(count - 1);
  std::nth_element(order_.begin(), last, order_.end(), std::greater<>());
  return *last;
}

void LogitRow::gather(float temperature, size_t count, std::vector<Candidate>& found) {
  scale_ = scale_of(largest(), temperature);
  float bound = scaled(reached_by(count));
  found.clear();
  for (size_t b = 0; b < blocks(); ++b) {
    if (scaled(largest_[b]) < bound) continue;
    for (size_t i = b * kBlock; i < end_of(b); ++i) {
      float x = scaled(logits_[i]);
      if (x > kernels::kNegligible && !(x < bound)) found.push_back({static_cast<int32_t>(i), x});
    }
  }
}

void LogitRow::find_largest(size_t count, std::vector<Candidate>& found) {
  float bound = reached_by(count);
  found.clear();
  for (size_t b = 0; b < blocks(); ++b) {
    if (largest_[b] < bound) continue;
    for (size_t i = b * kBlock; i < end_of(b); ++i) {
      if (logits_[i] >= bound) found.push_back({static_cast<int32_t>(i), logits_[i]});
    }
  }
  count = std::min(count, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<ptrdiff_t>(count), found.end(), kMoreLikely);
  found.resize(count);
}

void LogitRow::weigh(float temperature) {
  scale_ = scale_of(largest(), temperature);
  weights_.resize(std::max(weights_.size(), blocks() * kBlock));
  sums_.resize(blocks());
  table_->weigh(logits_.data(), logits_.size(), scale_, weights_.data(), sums_.data());
}

double LogitRow::total() const {
  double sum = 0;
  for (double s : sums_) sum += s;
  return sum;
}

double LogitRow::log_sum() const { return double(scale_.largest) * scale_.factor + std::log(total()); }

void LogitRow::keep_count(size_t count) {
  keep(cut_at(static_cast<double>(count), kernels::kNegligible, [](double weight) { return weight > 0 ? 1.0 : 0.0; }));
}

void LogitRow::keep_mass(double share) {
  // Were the whole vocabulary below this weight, it would not amount to what may be left out.
  double all = total(), spare = (1 - share) * all / static_cast<double>(logits_.size());
  double floor = std::clamp(std::log(spare) - 0.001, double{kernels::kNegligible}, -0.001);
  keep(cut_at(share * all, static_cast<float>(floor), [](double weight) { return weight; }));
}

void LogitRow::keep_above(float bound) {
  keep({std::min(bound, 0.0f), std::numeric_limits<int32_t>::max()});
}

// Where the measures of tokens, in order, first add up to what is wanted. All that is needed has x >= floor.
template <typename Measure>
LogitRow::Cut LogitRow::cut_at(double wanted, float floor, Measure measure) {
  const float per_unit = static_cast<float>(kBins - 1) / floor;  // x = 0 lies in bin 0, floor in the last
  int32_t bins[kBlock];  // of the tokens of a block
  auto find_bins = [&](size_t b) {
    table_->place(&logits_[b * kBlock], end_of(b) - b * kBlock, scale_, per_unit, kBins, bins);
  };
  measures_.fill(0);
  for (size_t b = 0; b < blocks(); ++b) {
    if (sums_[b] == 0 || scaled(largest_[b]) < floor) continue;
    find_bins(b);
    const double* weights = &weights_[b * kBlock];
    for (int i = 0; i < kBlock; ++i) measures_[bins[i] * kLanes + i % kLanes] += measure(weights[i]);
  }
  double mass = 0, before = 0;
  int bin = 0;  // where the mass is reached; should rounding leave it short, the last that is not empty
  for (int i = 0; i < kBins && (i == 0 || mass < wanted); ++i) {
    const double* lanes = &measures_[i * kLanes];
    double here = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
    if (here == 0) continue;
    bin = i;
    before = mass;
    mass += here;
  }
  in_bin_.clear();
  for (size_t b = 0; b < blocks(); ++b) {
    if (sums_[b] == 0 || scaled(largest_[b]) * per_unit >= static_cast<float>(bin + 1)) continue;
    find_bins(b);
    for (int i = 0; i < kBlock; ++i) {
      size_t id = b * kBlock + i;
      if (bins[i] == bin && weights_[id] > 0) in_bin_.push_back({static_cast<int32_t>(id), scaled(logits_[id])});
    }
  }
  return cut_among(in_bin_, before, wanted, measure);
}

// The same among the tokens of one bin, before which `mass` is taken. Halves them until few are left to sort.
template <typename Measure>
LogitRow::Cut LogitRow::cut_among(std::vector<Candidate>& list, double mass, double wanted, Measure measure) const {
  constexpr size_t kFew = 32;
  auto first = list.begin(), last = list.end();
  while (last - first > static_cast<ptrdiff_t>(kFew)) {
    auto middle = first + (last - first) / 2;
    std::nth_element(first, middle, last, kMoreLikely);
    double half = 0;
    for (auto c = first; c != middle; ++c) half += measure(weights_[c->id]);
    if (mass + half >= wanted) {
      last = middle;
    } else {
      mass += half;
      first = middle;
    }
  }
  std::sort(first, last, kMoreLikely);
  for (; first + 1 < last; ++first) {
    mass += measure(weights_[first->id]);
    if (mass >= wanted) break;
  }
  return {first->logit, first->id};
}

void LogitRow::keep(Cut cut) {
  for (size_t b = 0; b < blocks(); ++b) {
    if (sums_[b] == 0) continue;
    size_t begin = b * kBlock;
    if (scaled(largest_[b]) < cut.x) {
      sums_[b] = 0;
      continue;
    }
    int32_t last = std::clamp<int64_t>(int64_t{cut.id} - static_cast<int64_t>(begin), -1, kBlock);
    sums_[b] = table_->keep_weights(&logits_[begin], end_of(b) - begin, scale_, cut.x, last, &weights_[begin]);
  }
}

int32_t LogitRow::draw(double point) const {
  point *= total();
  size_t block = blocks();  // none yet
  for (size_t b = 0; b < blocks(); ++b) {
    if (sums_[b] == 0) continue;
    if (block < blocks()) {
      if (point < sums_[block]) break;
      point -= sums_[block];
    }
    block = b;
  }
  int32_t id = best_;
  if (block == blocks()) return id;
  for (size_t i = block * kBlock; i < end_of(block); ++i) {
    if (weights_[i] == 0) continue;
    id = static_cast<int32_t>(i);
    point -= weights_[i];
    if (point < 0) break;
  }
  return id;  // should rounding leave something of the point: the last with weight
}

}  // namespace troika::engine
