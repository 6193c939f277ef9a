#include "device/cpu/routing.h"

#include <algorithm>
#include <cmath>

namespace troika::device::cpu {

Routing::Routing(int rows, int experts, int used, bool normalise)
    : experts_(experts), used_(used), normalise_(normalise), chosen_(size_t(rows) * used), slot_(chosen_.size()),
      shares_(chosen_.size()), rows_(chosen_.size()), next_(experts), groups_(experts) {}

void Routing::choose(int row, const float* router) noexcept {
  int* chosen = &chosen_[size_t(row) * used_];
  for (int i = 0; i < used_; ++i) {
    int best = -1;  // also when values are no numbers, some expert is chosen
    for (int e = 0; e < experts_; ++e) {
      bool taken = std::find(chosen, chosen + i, e) != chosen + i;
      if (!taken && (best < 0 || router[e] > router[best])) best = e;
    }
    chosen[i] = best;
  }
  double largest = router[chosen[0]], sum = 0;
  if (normalise_) {
    for (int i = 0; i < used_; ++i) sum += std::exp(router[chosen[i]] - largest);
  } else {
    for (int e = 0; e < experts_; ++e) sum += std::exp(router[e] - largest);
  }
  float* shares = &shares_[size_t(row) * used_];
  for (int i = 0; i < used_; ++i) shares[i] = static_cast<float>(std::exp(router[chosen[i]] - largest) / sum);
}

void Routing::group(int rows) noexcept {
  slots_ = rows * used_;
  std::fill(next_.begin(), next_.end(), 0);
  for (int i = 0; i < slots_; ++i) ++next_[chosen_[i]];
  groups_count_ = 0;
  int first = 0;
  for (int e = 0; e < experts_; ++e) {
    int count = next_[e];
    if (count > 0) groups_[groups_count_++] = {e, first, count};
    next_[e] = first;
    first += count;
  }
  for (int i = 0; i < slots_; ++i) {
    slot_[i] = next_[chosen_[i]]++;
    rows_[slot_[i]] = i / used_;
  }
}

}  // namespace troika::device::cpu
