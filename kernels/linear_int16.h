// x · weightᵀ in int16, for weights that are floats of 16 bits: pairs of columns (panel.h, kernel_table.h), in groups of
// 64 columns that share a scale. With weights of 13 bits and activations of 14 the products of a group are summed
// without any rounding: 64 · 4095 · 8191 < 2^31. Processors do two such products where they do one of floats.
//
//   Σk weight(row, k) · x(k)  =  Σg weight_scale[g][row] · x_scale[g] · Σ(k in g) q(row, k) · x_q(k)
//
// A weight's scale is a power of two, 2^-11 of the one just below the group's largest. Halves, which have 11 bits, are then
// as they were from half of that power on, numbers of bf16, which have 8, from a sixteenth on. A scale that divides by the
// largest would round every one.
#pragma once

#include "kernels/linear.h"
#include "kernels/peak.h"

namespace troika::kernels {

// The weights of 16 rows over a stretch of columns: q [columns / 2, 16, 2], scales [columns / 64, 16]. Memory is asked for
// `ahead` bytes before it is read; 0: q is in the cache.
struct PairStretch {
  const std::byte *q, *scales;
  int ahead = 0;
};

// Adds to total [T, 16] their products with T tokens: x [columns / 2, T, 2], x_scale [columns / 64, T].
template <class S, int T>
[[gnu::noinline]] void multiply_pairs(const PairStretch& weights, int columns, const uint32_t* x,
                                      const float* x_scale, float* total) noexcept {
  const std::byte *q = weights.q, *scales = weights.scales;
  const int ahead = weights.ahead;
  for (; columns > 0; columns -= kPairGroup, scales += kPanelRows * sizeof(uint16_t), x_scale += T) {
    typename S::I dot[T];
#pragma GCC unroll 12
    for (int t = 0; t < T; ++t) dot[t] = S::no_dots();
    auto add = [&] {
      __builtin_prefetch(q + ahead, 0, 2);
      typename S::P w = S::load_panel(q);
#pragma GCC unroll 12
      for (int t = 0; t < T; ++t) dot[t] = S::add_pairs(dot[t], w, x[t]);
      x += T, q += sizeof(typename S::P);
    };
    if (columns >= kPairGroup) {
#pragma GCC unroll 1
      for (int pair = 0; pair < kPairGroup / 2; pair += 2) add(), add();  // else GCC unrolls all of it, or nothing
    } else {
      for (int pair = 0; pair < (columns + 1) / 2; ++pair) add();
    }
    typename S::R scale = S::load_rows_bf16(scales);
#pragma GCC unroll 12
    for (int t = 0; t < T; ++t) {
      float* sum = total + kPanelRows * t;
      asm("" : "+r"(sum));  // GCC would keep the sums in registers, of which AVX2 has none left
      typename S::R scaled = S::mul(S::to_rows(dot[t]), S::rows_set1(x_scale[t]));
      S::store_rows(sum, S::fma(scaled, scale, S::load_rows(sum)));
    }
  }
}

template <class S>
inline constexpr auto kPairMultipliers = by_tokens<S::kTile>([]<int T>() { return &multiply_pairs<S, T>; });

// Where pairs come from: panels, or rows as in the file. `stretch` gives the 256 columns from k on, of 16 rows.
template <class S>
struct PairPanels {
  static constexpr int kScaleBytes = kPanelRows * sizeof(uint16_t), kLineBytes = 64;
  static constexpr size_t kStretchBytes =
      kStretchColumns * kPanelRows * sizeof(int16_t) + kStretchColumns / kPairGroup * kScaleBytes;
  static_assert(kStretchBytes % kLineBytes == 0);
  const std::byte* panel;
  int weight_columns;

  void open(const LinearArgs& args, int first) noexcept {
    panel = args.weight + size_t(first / kPanelRows) * args.weight_stride;
    weight_columns = args.weight_columns;
  }
  PairStretch stretch(int k) noexcept {
    const std::byte* scales = panel + k / kStretchColumns * kStretchBytes;
    int columns = weight_columns - k < kStretchColumns ? weight_columns - k : kStretchColumns;
    int groups = (columns + kPairGroup - 1) / kPairGroup;
    int bytes = (groups * kScaleBytes + kLineBytes - 1) / kLineBytes * kLineBytes;
    // Pairs ask for memory as far ahead as they are from each other: not for what lies that far behind the scales.
    for (int i = 0; i < bytes; i += kLineBytes) __builtin_prefetch(scales + kAheadAlone + i, 0, 2);
    return {scales + bytes, scales, kAheadAlone};
  }
};

template <class S, class Weight>
struct PairRows {
  using R = typename S::R;
  const std::byte* rows;
  size_t stride;
  int count, weight_columns;
  FloatTile floats;
  alignas(64) uint32_t q[kStretchColumns / 2][kPanelRows];
  alignas(64) uint16_t scales[kStretchColumns / kPairGroup][kPanelRows];

  void open(const LinearArgs& args, int first) noexcept {
    rows = args.weight + size_t(first) * args.weight_stride;
    stride = args.weight_stride;
    count = args.weight_rows - first < kPanelRows ? args.weight_rows - first : kPanelRows;
    weight_columns = args.weight_columns;
    std::memset(&floats, 0, sizeof floats);
  }
  PairStretch stretch(int k) noexcept {
    for (int group = 0; group < kStretchColumns / kPairGroup && k < weight_columns; ++group, k += kPairGroup) {
      int columns = weight_columns - k < kPairGroup ? weight_columns - k : kPairGroup;
      static_assert(kPairGroup <= kFloatColumns);
      fill_plain_in_place<S, Weight>(rows + size_t(k) * Weight::kBytes, stride, count, columns, floats);
      round(columns, q + group * kPairGroup / 2, scales[group]);
    }
    return {reinterpret_cast<const std::byte*>(q), reinterpret_cast<const std::byte*>(scales)};
  }

 private:
  // As panel.cpp does it: the same bits.
  void round(int columns, uint32_t (*to)[kPanelRows], uint16_t* scale) const noexcept {
    R most = S::rows_zero(), spoilt = S::rows_zero();  // spoilt: 0, or no number where one is not finite
    for (int j = 0; j < columns; ++j) {
      R v = S::load_rows(floats.w[j]);
      most = S::max(most, S::abs(v));
      spoilt = S::add(spoilt, S::sub(v, v));
    }
    R step = S::mul(S::power_below(most), S::rows_set1(kPairStep)), least = S::rows_set1(kLeastPaired);
    R to_steps = S::select_less(most, least, S::rows_zero(), S::div(S::rows_set1(1), step));
    for (int j = 0; j < columns; j += 2) {
      R odd = j + 1 < columns ? S::mul(S::load_rows(floats.w[j + 1]), to_steps) : S::rows_zero();
      S::store_pairs(to[j / 2], S::mul(S::load_rows(floats.w[j]), to_steps), odd);
    }
    alignas(64) uint32_t bits[kPanelRows];
    S::store_rows(bits, S::add(S::select_less(most, least, S::rows_zero(), step), spoilt));
    for (int r = 0; r < kPanelRows; ++r) scale[r] = static_cast<uint16_t>(bits[r] >> 16);
  }
};

template <class S, class Source>
void linear_int16(const LinearArgs& args) noexcept {
  each_stretch<S, Source>(args, [&args](Source& source, int k, int columns, float* total) {
    PairStretch weights = source.stretch(k);
    const std::byte* x = args.x;
    for (int t = 0; t < args.tokens; t += S::kTile, x += args.x_stride) {
      int tokens = args.tokens - t < S::kTile ? args.tokens - t : S::kTile;
      auto pairs = reinterpret_cast<const uint32_t*>(x);
      auto x_scale = reinterpret_cast<const float*>(pairs + size_t(args.depth + 1) / 2 * tokens);
      kPairMultipliers<S>.kernel[tokens](weights, columns, pairs + size_t(k / 2) * tokens,
                                         x_scale + k / kPairGroup * tokens, total + t * kPanelRows);
      weights.ahead = 0;  // the first tokens have asked for all there is
    }
  });
}

inline constexpr float kMostPaired = 8191;  // of an activation, in steps
inline constexpr float kLeastPairedToken = 3e-35f;  // kMostPaired / x is a float above it; what is below becomes zeros

// Up to kTile rows of floats are rounded to pairs of int16 with one scale for each group of columns.
template <class S>
void round_to_int16(const float* x, size_t x_stride, int tokens, int depth, std::byte* out) noexcept {
  using R = typename S::R;
  constexpr int kVectors = kPairGroup / kPanelRows;
  auto scale = reinterpret_cast<float*>(out + size_t(depth + 1) / 2 * tokens * sizeof(uint32_t));
  for (int t = 0; t < tokens; ++t, x += x_stride) {
    std::byte* to = out + t * sizeof(uint32_t);
    for (int k = 0; k < depth; k += kPairGroup) {
      int count = depth - k < kPairGroup ? depth - k : kPairGroup;
      float rest[kPairGroup];
      if (count < kPairGroup) {
        std::memset(rest, 0, sizeof rest);
        std::memcpy(rest, x + k, count * sizeof(float));
      }
      const float* from = count < kPairGroup ? rest : x + k;
      R most = S::rows_zero(), spoilt = S::rows_zero();  // spoilt: 0, or no number where one is not finite
      for (int i = 0; i < kVectors; ++i) {
        R v = S::load_rows(from + kPanelRows * i);
        most = S::max(most, S::abs(v));
        spoilt = S::add(spoilt, S::sub(v, v));
      }
      float largest = S::largest(S::max(S::low(most), S::high(most))) + S::sum(S::add(S::low(spoilt), S::high(spoilt)));
      R to_steps = S::rows_set1(largest > kLeastPairedToken ? kMostPaired / largest : 0);
      int16_t rounded[kPairGroup];
      for (int i = 0; i < kVectors; ++i) {
        S::store_int16(rounded + kPanelRows * i, S::mul(S::load_rows(from + kPanelRows * i), to_steps));
      }
      for (int p = 0; p < (count + 1) / 2; ++p, to += tokens * sizeof(uint32_t)) {
        std::memcpy(to, rounded + 2 * p, sizeof(uint32_t));
      }
      scale[k / kPairGroup * tokens + t] = largest / kMostPaired;
    }
  }
}

// The products of a tile of pairs over 128 columns; see peak.h.
template <class S>
int64_t int16_peak(int64_t rounds) noexcept {
  constexpr int kColumns = 128, kTokens = S::kTile;
  alignas(64) uint32_t weights[kColumns / 2][kPanelRows], tokens[kColumns / 2][kTokens];
  alignas(64) uint16_t scales[kColumns / kPairGroup][kPanelRows];
  alignas(64) float token_scales[kColumns / kPairGroup][kTokens], total[kTokens * kPanelRows] = {};
  std::memset(weights, 1, sizeof weights);
  std::memset(tokens, 1, sizeof tokens);
  std::memset(scales, 0, sizeof scales);
  std::memset(token_scales, 0, sizeof token_scales);
  keep<S>(weights);
  keep<S>(tokens);
  for (int64_t round = 0; round < rounds; ++round) {
    multiply_pairs<S, kTokens>({reinterpret_cast<const std::byte*>(weights), reinterpret_cast<const std::byte*>(scales)},
                               kColumns, tokens[0], token_scales[0], total);
    keep<S>(total);
  }
  return rounds * kColumns * kPanelRows * kTokens * 2;
}

}  // namespace troika::kernels
