// Packing of the formats whose weight is step * level, the level from a fixed ascending list, the step with a sign.
//
// The search for a group's step of least weighted squared error tries to lay the weight of largest magnitude on
// several places around the list's ends, and refits each such step by least squares to the levels that it assigns.
// Where steps are stored as d * scale (ScaledSteps), they are rounded, each one's neighbours are tried, and
// d is refitted. Where the plain steps do better, they are taken, so that the search is never worse than they.
//
// A list of levels is a struct with
//   kPeaks    the places tried; kPeaks[0] gives the plain step
//   nearest   the level nearest to each of four numbers
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "tensor/quant/four.h"
#include "tensor/quant/quant.h"

namespace troika::quant {

struct StepGroup {
  const float* x;  // the weights
  const float* w;  // their importance
  int count;       // a multiple of 4
};

// Calls use(x, w, level) for four weights at a time.
template <class Levels, typename Use>
inline void each_level(StepGroup group, float step, Use use) {
  float inverse = std::fabs(step) >= 1e-30f ? 1 / step : 0;
  for (int i = 0; i < group.count; i += 4) {
    Four x = load4(group.x + i);
    use(x, load4(group.w + i), Levels::nearest(x * inverse));
  }
}

template <class Levels>
float error_of(StepGroup group, float step) {
  Four errors{};
  each_level<Levels>(group, step, [&](Four x, Four w, Four level) {
    Four off = level * step - x;
    errors += w * off * off;
  });
  return sum4(errors);
}

// The best step for the levels that `start` assigns: weighted least squares.
template <class Levels>
float refit(StepGroup group, float start) {
  Four aa{}, ax{};
  each_level<Levels>(group, start, [&](Four x, Four w, Four level) {
    aa += w * level * level;
    ax += w * level * x;
  });
  float squares = sum4(aa);
  return squares > 0 ? sum4(ax) / squares : start;
}

inline float largest_of(StepGroup group) {  // by magnitude, with its sign
  float largest = 0;
  for (int i = 0; i < group.count; ++i)
    if (std::fabs(group.x[i]) > std::fabs(largest)) largest = group.x[i];
  return largest;
}

template <class Levels>
float plain_step(StepGroup group) {
  return largest_of(group) / Levels::kPeaks[0];
}

template <class Levels>
float best_step(StepGroup group) {
  float largest = largest_of(group), best = plain_step<Levels>(group);
  float least = error_of<Levels>(group, best);
  for (float peak : Levels::kPeaks) {
    float step = refit<Levels>(group, largest / peak);
    float error = error_of<Levels>(group, step);
    if (error < least) {
      least = error;
      best = step;
    }
  }
  float again = refit<Levels>(group, best);
  return error_of<Levels>(group, again) < least ? again : best;
}

// 256 weights in kGroups groups with step = d * scale, scale in -kScaleHalf .. kScaleHalf - 1.
template <class Levels, int kGroups, int kScaleHalf>
class ScaledSteps {
 public:
  static constexpr int kGroupValues = 256 / kGroups;

  // The values live as long as this.
  explicit ScaledSteps(const TamedBlock<256>& block) {
    std::array<float, kGroups> plain, searched;
    for (int g = 0; g < kGroups; ++g) {
      groups_[g] = {block.x + g * kGroupValues, block.w + g * kGroupValues, kGroupValues};
      plain[g] = plain_step<Levels>(groups_[g]);
      searched[g] = best_step<Levels>(groups_[g]);
    }
    Draft draft = rounded(searched), simple = rounded(plain);
    draft_ = with_refitted_factor(nudged(draft.error() < simple.error() ? draft : simple));
  }

  uint16_t d() const { return float_to_f16(draft_.d); }
  int scale(int group) const { return draft_.scale[group]; }

  // Calls put(i, level) for each of the 256 weights.
  template <typename Put>
  void each_weight(Put put) const {
    for (int g = 0, i = 0; g < kGroups; ++g)
      each_level<Levels>(groups_[g], draft_.step(g), [&](Four, Four, Four level) {
        for (int lane = 0; lane < 4; ++lane) put(i++, static_cast<int>(level[lane]));
      });
  }

 private:
  struct Draft {
    float d = 0;  // exactly representable as a half
    std::array<int, kGroups> scale{};
    std::array<float, kGroups> errors{};

    float error() const { return std::accumulate(errors.begin(), errors.end(), 0.0f); }
    float step(int g) const { return d * static_cast<float>(scale[g]); }
  };

  // A block with these steps rounded; the largest becomes -kScaleHalf.
  Draft rounded(const std::array<float, kGroups>& steps) const {
    constexpr float kHalf = kScaleHalf;
    float largest = 0;
    for (float step : steps)
      if (std::fabs(step) > std::fabs(largest)) largest = step;
    Draft draft;
    draft.d = as_half(largest / -kHalf);
    float inverse = draft.d != 0 ? 1 / draft.d : 0;
    for (int g = 0; g < kGroups; ++g) {
      draft.scale[g] = static_cast<int>(std::round(std::clamp(steps[g] * inverse, -kHalf, kHalf - 1)));
      draft.errors[g] = error_of<Levels>(groups_[g], draft.step(g));
    }
    return draft;
  }

  // The same with each group's scale moved by at most one where that is better.
  Draft nudged(const Draft& from) const {
    Draft draft = from;
    for (int g = 0; g < kGroups; ++g) {
      int low = std::max(-kScaleHalf, from.scale[g] - 1), high = std::min(kScaleHalf - 1, from.scale[g] + 1);
      for (int scale = low; scale <= high; ++scale) {
        float error = error_of<Levels>(groups_[g], from.d * static_cast<float>(scale));
        if (error < draft.errors[g]) {
          draft.errors[g] = error;
          draft.scale[g] = scale;
        }
      }
    }
    return draft;
  }

  // The same scales and levels with the common factor that fits them best.
  Draft with_refitted_factor(const Draft& draft) const {
    double aa = 0, ax = 0;
    for (int g = 0; g < kGroups; ++g) {
      Four waa{}, wax{};
      each_level<Levels>(groups_[g], draft.step(g), [&](Four x, Four w, Four level) {
        Four a = level * static_cast<float>(draft.scale[g]);
        waa += w * a * a;
        wax += w * a * x;
      });
      aa += sum4(waa);
      ax += sum4(wax);
    }
    double d = aa > 0 ? ax / aa : 0;
    if (!(std::fabs(d) <= kLargest)) return draft;
    Draft fitted = draft;
    fitted.d = as_half(static_cast<float>(d));
    for (int g = 0; g < kGroups; ++g) fitted.errors[g] = error_of<Levels>(groups_[g], fitted.step(g));
    return fitted.error() < draft.error() ? fitted : draft;
  }

  std::array<StepGroup, kGroups> groups_;
  Draft draft_;
};

}  // namespace troika::quant
