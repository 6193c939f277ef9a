// x · weightᵀ in bf16: weights and activations are pairs of columns (panel.h, kernel_table.h), sums float32. A product
// is of two numbers of 8 bits each, so the sums of a weight that is bf16 in the file are as good as those of float32,
// but for the rounding of the activations.
#pragma once

#include "kernels/linear.h"
#include "kernels/peak.h"

namespace troika::kernels {

inline constexpr int kSumPairs = 32;  // are summed apart: short chains run side by side, and round less

// Adds to total [T, 16] the products of 16 rows with T tokens; weights [pairs, 16], x [pairs, T].
template <class S, int T>
[[gnu::noinline]] void multiply_pairs(const std::byte* weights, int pairs, const uint32_t* x, float* total) noexcept {
  for (int end; pairs > 0; pairs -= end) {
    end = pairs < kSumPairs ? pairs : kSumPairs;
    typename S::R sum[T];
#pragma GCC unroll 12
    for (int t = 0; t < T; ++t) sum[t] = S::rows_zero();
    for (int p = 0; p < end; ++p, x += T, weights += sizeof(typename S::P)) {
      typename S::P w = T == 1 ? stream<S>(weights) : S::load_panel(weights);
#pragma GCC unroll 12
      for (int t = 0; t < T; ++t) sum[t] = S::add_pairs(sum[t], w, x[t]);
    }
#pragma GCC unroll 12
    for (int t = 0; t < T; ++t) {
      S::store_rows(total + kPanelRows * t, S::add(S::load_rows(total + kPanelRows * t), sum[t]));
    }
  }
}

using MultiplyPairs = void (*)(const std::byte*, int, const uint32_t*, float*) noexcept;

template <class S>
struct PairMultipliers {
  MultiplyPairs by_tokens[S::kTile + 1] = {};
  constexpr PairMultipliers() { add<S::kTile>(); }

 private:
  template <int T>
  constexpr void add() {
    by_tokens[T] = multiply_pairs<S, T>;
    if constexpr (T > 1) add<T - 1>();
  }
};
template <class S>
inline constexpr PairMultipliers<S> kPairMultipliers;

// Where pairs come from: panels, or rows as in the file. `pairs` gives columns [k, k + columns) of 16 rows.
template <class S>
struct PairPanels {
  const std::byte* panel;

  PairPanels(const LinearArgs& args, int first) noexcept
      : panel(args.weight + size_t(first / kPanelRows) * args.weight_stride) {}
  const std::byte* pairs(int k, int) noexcept { return panel + size_t(k) * kPanelRows * sizeof(uint16_t); }
};

template <class S, class Weight>
struct PairRows {
  const std::byte* rows;
  size_t stride;
  int count;
  FloatTile floats;
  alignas(64) uint32_t filled[kStretchColumns / 2][kPanelRows];

  PairRows(const LinearArgs& args, int first) noexcept
      : rows(args.weight + size_t(first) * args.weight_stride), stride(args.weight_stride),
        count(args.weight_rows - first < kPanelRows ? args.weight_rows - first : kPanelRows) {
    std::memset(&floats, 0, sizeof floats);
  }
  const std::byte* pairs(int k, int columns) noexcept {
    for (int i = 0; i < columns; i += kFloatColumns) {
      int wide = columns - i < kFloatColumns ? columns - i : kFloatColumns;
      fill_plain_in_place<S, Weight>(rows + size_t(k + i) * Weight::kBytes, stride, count, wide, floats);
      for (int j = 0; j < wide; j += 2) {
        typename S::R odd = j + 1 < wide ? S::load_rows(floats.w[j + 1]) : S::rows_zero();
        S::store_pairs(filled[(i + j) / 2], S::load_rows(floats.w[j]), odd);
      }
    }
    return reinterpret_cast<const std::byte*>(filled);
  }
};

template <class S, class Source>
void linear_bf16(const LinearArgs& args) noexcept {
  each_panel<S>(args, [&args](int first, float* total) {
    Source source(args, first);
    for (int k = 0; k < args.depth; k += kStretchColumns) {
      int columns = args.depth - k < kStretchColumns ? args.depth - k : kStretchColumns;
      const std::byte *weights = source.pairs(k, columns), *x = args.x;
      for (int t = 0; t < args.tokens; t += S::kTile, x += args.x_stride) {
        int tokens = args.tokens - t < S::kTile ? args.tokens - t : S::kTile;
        auto from = reinterpret_cast<const uint32_t*>(x) + size_t(k / 2) * tokens;
        kPairMultipliers<S>.by_tokens[tokens](weights, (columns + 1) / 2, from, total + t * kPanelRows);
      }
    }
  });
}

// Up to kTile rows of floats become pairs [(depth + 1) / 2, tokens].
template <class S>
void round_to_bf16(const float* x, size_t x_stride, int tokens, int depth, std::byte* out) noexcept {
  constexpr int kWide = 2 * kPanelRows;
  for (int t = 0; t < tokens; ++t, x += x_stride) {
    std::byte* to = out + t * sizeof(uint32_t);
    for (int k = 0; k < depth; k += kWide) {
      int count = depth - k < kWide ? depth - k : kWide;
      float rest[kWide] = {};
      if (count < kWide) std::memcpy(rest, x + k, count * sizeof(float));
      const float* from = count < kWide ? rest : x + k;
      uint32_t pairs[kPanelRows];
      S::store_bf16(pairs, S::load_rows(from), S::load_rows(from + kPanelRows));
      for (int p = 0; p < (count + 1) / 2; ++p, to += tokens * sizeof(uint32_t)) std::memcpy(to, &pairs[p], sizeof(uint32_t));
    }
  }
}

// The products of a tile of pairs over 128 columns; see peak.h.
template <class S>
int64_t bf16_peak(int64_t rounds) noexcept {
  constexpr int kPairs = 64, kTokens = S::kTile;
  alignas(64) uint32_t weights[kPairs][kPanelRows], tokens[kPairs][kTokens];
  constexpr uint32_t kHalves = 0x3f003f00;  // ½ and ½
  for (auto& pair : weights) {
    for (uint32_t& both : pair) both = kHalves;
  }
  for (auto& pair : tokens) {
    for (uint32_t& both : pair) both = kHalves;
  }
  alignas(64) float total[kTokens * kPanelRows] = {};
  keep<S>(weights);
  keep<S>(tokens);
  for (int64_t round = 0; round < rounds; ++round) {
    multiply_pairs<S, kTokens>(reinterpret_cast<const std::byte*>(weights), kPairs, tokens[0], total);
    keep<S>(total);
  }
  return rounds * kPairs * 2 * kPanelRows * kTokens * 2;
}

}  // namespace troika::kernels
