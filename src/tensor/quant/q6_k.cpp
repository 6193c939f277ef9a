// Q6_K: 256 weights in 16 groups of 16, w = d * scale * (q - 32) with q of 6 bits and signed scales of 8 bits
// (see blocks.h).
//
// Packing searches each group's step for the least weighted squared error: several steps around largest / 32,
// each refitted by least squares to the levels it assigns. Then the steps are stored with 8 bits (each one's
// neighbours are tried) and the common factor is refitted. Where the plain steps do better, they are taken,
// so that the search is never worse than they.
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/half.h"
#include "tensor/quant/blocks.h"
#include "tensor/quant/four.h"
#include "tensor/quant/quant.h"

namespace troika::quant {
namespace {

constexpr int kGroups = 16;
constexpr int kGroupValues = 16;
constexpr int kLow = -32, kHigh = 31;  // levels, the 32 taken off
using Steps = std::array<float, kGroups>;

struct Group {
  const float* x;  // [16] the weights
  const float* w;  // [16] their importance
};
using Groups = std::array<Group, kGroups>;

// A block while it is being packed.
struct Draft {
  float d = 0;  // exactly representable as a half
  std::array<int, kGroups> scale{};
  std::array<float, kGroups> errors{};

  float error() const { return std::accumulate(errors.begin(), errors.end(), 0.0f); }
  float step(int g) const { return d * static_cast<float>(scale[g]); }
};

// Calls use(x, w, q) for four weights at a time, with the level nearest to each.
template <typename Use>
inline void each_level(Group group, float step, Use use) {
  float inverse = std::fabs(step) >= 1e-30f ? 1 / step : 0;
  for (int i = 0; i < kGroupValues; i += 4) {
    Four x = load4(group.x + i);
    use(x, load4(group.w + i), levels4(x * inverse, kLow, kHigh));
  }
}

float error_of(Group group, float step) {
  Four errors{};
  each_level(group, step, [&](Four x, Four w, Four q) {
    Four off = q * step - x;
    errors += w * off * off;
  });
  return sum4(errors);
}

// The weight of largest magnitude becomes exactly -32.
float plain_step(Group group) {
  float largest = 0;
  for (int i = 0; i < kGroupValues; ++i)
    if (std::fabs(group.x[i]) > std::fabs(largest)) largest = group.x[i];
  return largest / kLow;
}

// The best step for the levels that `start` assigns: weighted least squares.
float refit(Group group, float start) {
  Four wqq{}, wqx{};
  each_level(group, start, [&](Four x, Four w, Four q) {
    wqq += w * q * q;
    wqx += w * q * x;
  });
  float qq = sum4(wqq);
  return qq > 0 ? sum4(wqx) / qq : start;
}

float best_step(Group group) {
  float plain = plain_step(group), best = plain;
  float least = error_of(group, plain);
  for (float top = 29.5f; top < 35; top += 0.75f) {
    float step = refit(group, plain * -kLow / top);
    float error = error_of(group, step);
    if (error < least) {
      least = error;
      best = step;
    }
  }
  return best;
}

float as_half(float value) { return f16_to_float(float_to_f16(value)); }

// A block with these steps rounded; the largest becomes -128.
Draft rounded(const Groups& groups, const Steps& steps) {
  float largest = 0;
  for (float step : steps)
    if (std::fabs(step) > std::fabs(largest)) largest = step;
  Draft draft;
  draft.d = as_half(largest / -128);
  float inverse = draft.d != 0 ? 1 / draft.d : 0;
  for (int g = 0; g < kGroups; ++g) {
    draft.scale[g] = static_cast<int>(std::round(std::clamp(steps[g] * inverse, -128.0f, 127.0f)));
    draft.errors[g] = error_of(groups[g], draft.step(g));
  }
  return draft;
}

// The same with each group's scale moved by at most one where that is better.
Draft nudged(const Groups& groups, const Draft& from) {
  Draft draft = from;
  for (int g = 0; g < kGroups; ++g)
    for (int scale = std::max(-128, from.scale[g] - 1); scale <= std::min(127, from.scale[g] + 1); ++scale) {
      float error = error_of(groups[g], from.d * static_cast<float>(scale));
      if (error < draft.errors[g]) {
        draft.errors[g] = error;
        draft.scale[g] = scale;
      }
    }
  return draft;
}

// The same scales and levels with the common factor that fits them best.
Draft with_refitted_factor(const Groups& groups, const Draft& draft) {
  double aa = 0, ax = 0;
  for (int g = 0; g < kGroups; ++g) {
    Four waa{}, wax{};
    each_level(groups[g], draft.step(g), [&](Four x, Four w, Four q) {
      Four a = q * static_cast<float>(draft.scale[g]);
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
  for (int g = 0; g < kGroups; ++g) fitted.errors[g] = error_of(groups[g], fitted.step(g));
  return fitted.error() < draft.error() ? fitted : draft;
}

// Where weight i (0..255) lies: 128 weights share 64 bytes of ql and 32 of qh.
struct Place {
  int low_byte, low_shift, high_byte, high_shift;
};
constexpr Place place(int i) {
  int half = i / 128, quarter = i % 128 / 32, l = i % 32;
  return {64 * half + 32 * (quarter % 2) + l, quarter / 2 * 4, 32 * half + l, quarter * 2};
}

BlockQ6K block_of(const Groups& groups, const Draft& draft) {
  BlockQ6K block{};
  block.d = float_to_f16(draft.d);
  for (int g = 0; g < kGroups; ++g) {
    block.scales[g] = static_cast<int8_t>(draft.scale[g]);
    int i = g * kGroupValues;
    each_level(groups[g], draft.step(g), [&](Four, Four, Four levels) {
      for (int lane = 0; lane < 4; ++lane) {
        int q = static_cast<int>(levels[lane]) - kLow;
        Place at = place(i++);
        block.ql[at.low_byte] |= static_cast<uint8_t>((q & 15) << at.low_shift);
        block.qh[at.high_byte] |= static_cast<uint8_t>((q >> 4) << at.high_shift);
      }
    });
  }
  return block;
}

}  // namespace

void pack_q6_k(Values values, Values importance, std::byte* out) {
  constexpr int n = BlockQ6K::kValues;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(BlockQ6K)) {
    float x[n], w[n];
    for (int i = 0; i < n; ++i) {
      x[i] = tame(values[first + i]);
      w[i] = importance.empty() ? 1.0f : tame_importance(importance[first + i]);
    }
    Groups groups;
    Steps plain, searched;
    for (int g = 0; g < kGroups; ++g) {
      groups[g] = {x + g * kGroupValues, w + g * kGroupValues};
      plain[g] = plain_step(groups[g]);
      searched[g] = best_step(groups[g]);
    }
    Draft draft = rounded(groups, searched), simple = rounded(groups, plain);
    if (!(draft.error() < simple.error())) draft = simple;
    BlockQ6K block = block_of(groups, with_refitted_factor(groups, nudged(groups, draft)));
    std::memcpy(out, &block, sizeof block);
  }
}

void unpack_q6_k(const std::byte* in, std::span<float> values) {
  constexpr int n = BlockQ6K::kValues;
  for (size_t first = 0; first < values.size(); first += n, in += sizeof(BlockQ6K)) {
    BlockQ6K block;
    std::memcpy(&block, in, sizeof block);
    float d = f16_to_float(block.d);
    for (int g = 0; g < kGroups; ++g) {
      float step = d * static_cast<float>(block.scales[g]);
      for (int i = g * kGroupValues; i < (g + 1) * kGroupValues; ++i) {
        Place at = place(i);
        int q = (block.ql[at.low_byte] >> at.low_shift & 15) | (block.qh[at.high_byte] >> at.high_shift & 3)
                                                                   << 4;
        values[first + i] = step * static_cast<float>(q - 32);
      }
    }
  }
}

}  // namespace troika::quant
