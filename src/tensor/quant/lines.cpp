// Packing searches for the least weighted squared error in two rounds. For each group alone: lay the levels over
// the range, a little tighter and a little wider, fit the line through the chosen levels by least squares, keep
// the best. Then for the block: store the lines with few bits, try each one's neighbours, and fit the two common
// factors once more. Where the plain lines (range / top) do better, they are taken, so the search is never worse
// than they.
#include "tensor/quant/lines.h"

#include <array>
#include <cmath>
#include <numeric>

#include "tensor/quant/four.h"

namespace troika::quant {
namespace {

struct Group {
  const float* x;  // the weights
  const float* w;  // their importance
  int count;       // a multiple of 4
  float top;       // highest level
};

// Calls use(x, w, q) for four weights at a time, with the level nearest to each.
template <typename Use>
inline void each_level(Group group, Line line, Use use) {
  float inverse = line.scale >= 1e-30f ? 1 / line.scale : 0;
  float shift = line.minimum * inverse;
  for (int i = 0; i < group.count; i += 4) {
    Four x = load4(group.x + i);
    use(x, load4(group.w + i), levels4(x * inverse + shift, 0, group.top));
  }
}

float error_of(Group group, Line line) {
  Four errors{};
  each_level(group, line, [&](Four x, Four w, Four q) {
    Four off = q * line.scale - line.minimum - x;
    errors += w * off * off;
  });
  return sum4(errors);
}

Line plain_line(Group group) {
  float low = 0, high = group.x[0];
  for (int i = 0; i < group.count; ++i) {
    low = std::min(low, group.x[i]);
    high = std::max(high, group.x[i]);
  }
  return {(high - low) / group.top, -low};
}

struct Fit {
  Line line;
  double error = 0;  // with those levels, less the constant sum of w * x * x
};

// The best line for the levels that `start` assigns: weighted least squares, the minimum held at or above
// zero.
Fit refit(Group group, Line start) {
  Four w4{}, wq4{}, wqq4{}, wx4{}, wqx4{};
  each_level(group, start, [&](Four x, Four w, Four q) {
    w4 += w;
    wq4 += w * q;
    wqq4 += w * q * q;
    wx4 += w * x;
    wqx4 += w * q * x;
  });
  double w = sum4(w4), wq = sum4(wq4), wqq = sum4(wqq4), wx = sum4(wx4), wqx = sum4(wqx4);
  double determinant = w * wqq - wq * wq;
  double scale = start.scale, minimum = start.minimum;
  if (determinant > 1e-6 * w * wqq) {  // else all have one level: nothing to fit
    scale = (w * wqx - wq * wx) / determinant;
    minimum = (wq * wqx - wqq * wx) / determinant;
    if (minimum < 0) {
      minimum = 0;
      scale = wqx / wqq;
    }
    if (scale < 0) return {start, 0};
  }
  double error = scale * (scale * wqq - 2 * wqx) + minimum * (minimum * w + 2 * wx - 2 * scale * wq);
  return {{static_cast<float>(scale), static_cast<float>(minimum)}, error};
}

Line best_line(Group group) {
  Line plain = plain_line(group);
  Fit best{plain, 0};
  // Levels over the range, from somewhat fewer (wider steps never pay) to somewhat more (narrower ones clip the
  // ends).
  for (float more = -1.2f; more < 2.5f; more += 0.4f) {
    Fit fit = refit(group, {plain.scale * group.top / (group.top + more), plain.minimum});
    if (fit.error < best.error) best = fit;
  }
  Line again = refit(group, best.line).line;
  if (error_of(group, again) < error_of(group, best.line)) best.line = again;
  return error_of(group, best.line) < error_of(group, plain) ? best.line : plain;
}

// The search for one block.
template <class Block>
class Search {
 public:
  // `block` lives as long as this.
  Search(const TamedBlock<256>& block, int top) {
    for (int g = 0; g < kGroups; ++g)
      groups_[g] = {block.x + g * kGroupValues, block.w + g * kGroupValues, kGroupValues, static_cast<float>(top)};
  }

  Block run() const {
    Lines plain, searched;
    for (int g = 0; g < kGroups; ++g) {
      plain[g] = plain_line(groups_[g]);
      searched[g] = best_line(groups_[g]);
    }
    Draft draft = rounded(searched), simple = rounded(plain);
    if (!(draft.error() < simple.error())) draft = simple;
    return stored_block(with_refitted_factors(nudged(draft)));
  }

 private:
  static constexpr int kGroups = Block::kGroups, kGroupValues = Block::kGroupValues, kScaleTop = Block::kScaleTop;
  using Lines = std::array<Line, kGroups>;

  // A block while it is being packed.
  struct Draft {
    float d = 0, dmin = 0;  // exactly representable as halves
    std::array<int, kGroups> scale{}, minimum{};
    std::array<float, kGroups> errors{};

    float error() const { return std::accumulate(errors.begin(), errors.end(), 0.0f); }
    Line line(int g) const { return {d * static_cast<float>(scale[g]), dmin * static_cast<float>(minimum[g])}; }
  };

  static int stored(float value, float factor) {
    if (!(factor > 0)) return 0;
    return static_cast<int>(std::clamp(value / factor + 0.5f, 0.0f, static_cast<float>(kScaleTop)));
  }

  // A block with these lines, scales and minima rounded.
  Draft rounded(const Lines& lines) const {
    float scale = 0, minimum = 0;
    for (const Line& line : lines) {
      scale = std::max(scale, line.scale);
      minimum = std::max(minimum, line.minimum);
    }
    Draft draft;
    draft.d = as_half(scale / kScaleTop);
    draft.dmin = as_half(minimum / kScaleTop);
    for (int g = 0; g < kGroups; ++g) {
      draft.scale[g] = stored(lines[g].scale, draft.d);
      draft.minimum[g] = stored(lines[g].minimum, draft.dmin);
      draft.errors[g] = error_of(groups_[g], draft.line(g));
    }
    return draft;
  }

  // The same with each group's scale and minimum moved by at most one where that is better.
  Draft nudged(const Draft& from) const {
    Draft draft = from;
    for (int g = 0; g < kGroups; ++g)
      for (int s = std::max(0, from.scale[g] - 1); s <= std::min(kScaleTop, from.scale[g] + 1); ++s)
        for (int m = std::max(0, from.minimum[g] - 1); m <= std::min(kScaleTop, from.minimum[g] + 1); ++m) {
          float error =
              error_of(groups_[g], {from.d * static_cast<float>(s), from.dmin * static_cast<float>(m)});
          if (error < draft.errors[g]) {
            draft.errors[g] = error;
            draft.scale[g] = s;
            draft.minimum[g] = m;
          }
        }
    return draft;
  }

  // The same scales, minima and levels with the two factors that fit them best: least squares over d and dmin,
  // where weight = d * (scale * q) - dmin * minimum.
  Draft with_refitted_factors(const Draft& draft) const {
    double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
    for (int g = 0; g < kGroups; ++g) {
      float b = static_cast<float>(draft.minimum[g]);
      Four waa{}, wa{}, w1{}, wax{}, wx{};
      each_level(groups_[g], draft.line(g), [&](Four x, Four w, Four q) {
        Four a = q * static_cast<float>(draft.scale[g]);
        waa += w * a * a;
        wa += w * a;
        w1 += w;
        wax += w * a * x;
        wx += w * x;
      });
      aa += sum4(waa);
      ab += b * sum4(wa);
      bb += b * b * sum4(w1);
      ax += sum4(wax);
      bx += b * sum4(wx);
    }
    double determinant = aa * bb - ab * ab;
    double d = draft.d, dmin = draft.dmin;
    if (determinant > 1e-9 * aa * bb) {
      d = (ax * bb - ab * bx) / determinant;
      dmin = (ab * ax - aa * bx) / determinant;
    } else if (bb == 0 && aa > 0) {
      d = ax / aa;
    }
    if (!(d >= 0 && dmin >= 0 && d <= kLargest && dmin <= kLargest)) return draft;
    Draft fitted = draft;
    fitted.d = as_half(static_cast<float>(d));
    fitted.dmin = as_half(static_cast<float>(dmin));
    for (int g = 0; g < kGroups; ++g) fitted.errors[g] = error_of(groups_[g], fitted.line(g));
    return fitted.error() < draft.error() ? fitted : draft;
  }

  Block stored_block(const Draft& draft) const {
    Block block;
    block.d = float_to_f16(draft.d);
    block.dmin = float_to_f16(draft.dmin);
    uint8_t* out = block.levels;
    for (int g = 0; g < kGroups; ++g) {
      block.scale[g] = static_cast<uint8_t>(draft.scale[g]);
      block.minimum[g] = static_cast<uint8_t>(draft.minimum[g]);
      each_level(groups_[g], draft.line(g), [&](Four, Four, Four q) {
        for (int lane = 0; lane < 4; ++lane) *out++ = static_cast<uint8_t>(static_cast<int>(q[lane]));
      });
    }
    return block;
  }

  std::array<Group, kGroups> groups_;
};

}  // namespace

template <class Block>
Block pack_lines(Values values, Values importance, size_t first, int top) {
  TamedBlock<256> tamed(values, importance, first);
  return Search<Block>(tamed, top).run();
}
template LineBlock8 pack_lines(Values, Values, size_t, int);
template LineBlock16 pack_lines(Values, Values, size_t, int);

void store_lines(const LineBlock8& lines, uint8_t (&scales)[12]) {
  for (int i = 0; i < 4; ++i) {
    int scale = lines.scale[i + 4], minimum = lines.minimum[i + 4];
    scales[i] = static_cast<uint8_t>(lines.scale[i] | (scale >> 4) << 6);
    scales[i + 4] = static_cast<uint8_t>(lines.minimum[i] | (minimum >> 4) << 6);
    scales[i + 8] = static_cast<uint8_t>((scale & 15) | (minimum & 15) << 4);
  }
}

Line line_of(uint16_t d, uint16_t dmin, const uint8_t (&s)[12], int g) {
  int scale = g < 4 ? s[g] & 63 : (s[g + 4] & 15) | (s[g - 4] >> 6) << 4;
  int minimum = g < 4 ? s[g + 4] & 63 : (s[g + 4] >> 4) | (s[g] >> 6) << 4;
  return {f16_to_float(d) * static_cast<float>(scale), f16_to_float(dmin) * static_cast<float>(minimum)};
}

}  // namespace troika::quant
