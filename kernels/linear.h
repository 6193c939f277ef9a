// x · weightᵀ: 16 rows of a weight × up to S::kTile tokens at a time, their sums in registers. Weights come to the
// micro-kernels as tiles (tile.h), whatever their format, filled once for all tokens of a call; for few tokens from
// where the panel has them. Every sum (one weight row, one token) runs over K in the same order, however many tokens
// there are and however the rows are shared out.
#pragma once

#include <cassert>
#include <utility>

#include "kernels/in_place.h"
#include "kernels/kernel_table.h"
#include "kernels/panel_formats.h"
#include "kernels/tables.h"

namespace troika::kernels {

// Memory to be asked for while a tile is multiplied: `step` bytes, a multiple of 64, at a time. A thread may wait for
// few lines of memory at a time (16 on recent Xeons). Asked for at once, a stretch's lines would hold it up; asked for
// bit by bit they come while it computes.
struct Prefetch {
  const std::byte* from = nullptr;
  int step = 0;
};
template <class S>
void ask(Prefetch& ahead) noexcept {
  for (int i = 0; i < ahead.step; i += 64) __builtin_prefetch(ahead.from + i, 0, 2);
  ahead.from += ahead.step;
}

// A block of T quantised tokens (kernel_table.h).
template <int T>
struct QuantBlock {
  int8_t q[kQuantBlock / 4][T][4];
  float scale[T], sum[T], half_sum[2][T];
  int16_t pairs[2][T][2];
};
static_assert(sizeof(QuantBlock<3>) == 3 * activation_bytes(Arithmetic::int8, kQuantBlock));

// Where column k, a multiple of 32, begins in a tile of tokens.
template <class S>
const std::byte* quant_block(const std::byte* x, int k, int tokens) noexcept {
  return x + activation_bytes(Arithmetic::int8, k) * tokens;
}

// Takes off the min of part g of a tile's columns, times the sums of x.
template <class S, class Traits, int T>
void take_min(const float* min, int g, const QuantBlock<T>* blocks, typename S::R (&sum)[T]) noexcept {
  const float* sums = Traits::kPart == kQuantBlock ? blocks[g].sum : blocks[g / 2].half_sum[g % 2];
  typename S::R mins = S::load_rows(min);
#pragma GCC unroll 12
  for (int t = 0; t < T; ++t) sum[t] = S::fnma(mins, S::rows_set1(sums[t]), sum[t]);
}

// The vectors of a tile, as formats have those of a panel (panel_formats.h).
template <class S>
struct TileVectors {
  static constexpr int kTokensAtOnce = S::kTile, kAlike = 1;
  template <int>
  static typename S::P vector(const std::byte* q, int run, int i) noexcept {
    return S::load_panel(q + 64 * (8 * run + i));
  }
};

// use.template operator()<group of the run>(run), group after group.
template <int kAlike, typename Use>
void each_group(int groups, Use use) noexcept {
  for (int run = 0; run < groups / kAlike; ++run) {
    [&]<int... kGroup>(std::integer_sequence<int, kGroup...>) {
      (use.template operator()<kGroup>(run), ...);
    }(std::make_integer_sequence<int, kAlike>());
  }
}

// Adds to total [T, 16] the products of a stretch with T tokens: `quants` as Vectors reads them, what goes with them in
// the tile. Traits: TileTraits, or what they have in common.
template <class S, class Traits, class Vectors, int T>
[[gnu::noinline, gnu::flatten]] void multiply(const Tile& tile, const std::byte* quants, int columns,
                                              const std::byte* x, float* total, Prefetch ahead) noexcept {
  using Dots = typename Traits::Dots;
  constexpr int kParts = kQuantBlock / Traits::kPart, kVectors = Traits::kPart / 4;
  auto blocks = reinterpret_cast<const QuantBlock<T>*>(x);
  typename S::R sum[T];
#pragma GCC unroll 12
  for (int t = 0; t < T; ++t) sum[t] = S::load_rows(total + kPanelRows * t);
  each_group<Vectors::kAlike>(columns / kQuantBlock, [&]<int kGroup>(int run) {
    ask<S>(ahead);
    const int g = run * Vectors::kAlike + kGroup;
    const QuantBlock<T>& block = blocks[g];
#pragma GCC unroll 2
    for (int part = 0; part < kParts; ++part) {
      const int p = g * kParts + part;
      const int8_t* q = block.q[part * kVectors][0];
      typename S::I dot[T];
      if constexpr (Traits::kSplit) {
        Dots::template run_split<kVectors, T>(tile.q[p * kVectors], tile.sign[p * kVectors], tile.negative[p], q, dot);
      } else {
        auto w = [=](int i) [[gnu::always_inline]] {
          return Vectors::template vector<kGroup>(quants, run, part * kVectors + i);
        };
        Dots::template run<kVectors, T>(w, q, dot);
      }
      typename S::R weight_scale = S::load_rows(tile.scale[p]);
#pragma GCC unroll 12
      for (int t = 0; t < T; ++t) {
        sum[t] = S::fma(S::mul(weight_scale, S::rows_set1(block.scale[t])), S::to_rows(dot[t]), sum[t]);
      }
      if constexpr (Traits::kMins) take_min<S, Traits>(tile.min[p], p, blocks, sum);
    }
  });
#pragma GCC unroll 12
  for (int t = 0; t < T; ++t) S::store_rows(total + kPanelRows * t, sum[t]);
}

// The same where weights have whole factors and one scale (tile.h): a group's products are whole numbers, of which the
// activations' scales make floats, and the scale of the weights is left to the end. Activations of 1e31 and more
// overflow.
template <class S, class Traits, class Vectors, int T>
[[gnu::noinline, gnu::flatten]] void multiply_factors(const Tile& tile, const std::byte* quants, int columns,
                                                      const std::byte* x, float* total, Prefetch ahead) noexcept {
  constexpr int kParts = kQuantBlock / Traits::kPart;
  auto blocks = reinterpret_cast<const QuantBlock<T>*>(x);
  typename S::R product[T], sum[T];
#pragma GCC unroll 12
  for (int t = 0; t < T; ++t) product[t] = S::rows_zero();
  each_group<Vectors::kAlike>(columns / kQuantBlock, [&]<int kGroup>(int run) {
    ask<S>(ahead);
    const int g = run * Vectors::kAlike + kGroup;
    typename S::I dot[T];
    auto w = [=](int i) [[gnu::always_inline]] { return Vectors::template vector<kGroup>(quants, run, i); };
    Traits::Dots::template run_factors<kParts, Traits::kCentre, T>(w, tile.factor + g * kParts, blocks[g].q[0][0],
                                                                   blocks[g].pairs[0][0], dot);
#pragma GCC unroll 12
    for (int t = 0; t < T; ++t) product[t] = S::fma(S::rows_set1(blocks[g].scale[t]), S::to_rows(dot[t]), product[t]);
  });
#pragma GCC unroll 12
  for (int t = 0; t < T; ++t) sum[t] = S::load_rows(total + kPanelRows * t);
  if constexpr (Traits::kMins) {
    for (int p = 0; p < columns / Traits::kPart; ++p) take_min<S, Traits>(tile.min[p], p, blocks, sum);
  }
  typename S::R weight_scale = S::load_rows(tile.scale[0]);
#pragma GCC unroll 12
  for (int t = 0; t < T; ++t) S::store_rows(total + kPanelRows * t, S::fma(weight_scale, product[t], sum[t]));
}

// The same with weights as floats; x [columns, T].
template <class S, int T>
[[gnu::noinline]] void multiply_floats(const FloatTile& tile, int columns, const float* x, float* total) noexcept {
  typename S::R sum[T];
#pragma GCC unroll 12
  for (int t = 0; t < T; ++t) sum[t] = S::rows_zero();
  for (int k = 0; k < columns; ++k, x += T) {
    typename S::R w = S::load_rows(tile.w[k]);
#pragma GCC unroll 12
    for (int t = 0; t < T; ++t) sum[t] = S::fma(w, S::rows_set1(x[t]), sum[t]);
  }
#pragma GCC unroll 12
  for (int t = 0; t < T; ++t) {
    S::store_rows(total + kPanelRows * t, S::add(S::load_rows(total + kPanelRows * t), sum[t]));
  }
}

// Micro-kernels by number of tokens, 1 … kMost: of.template operator()<T>() gives that of T.
template <typename Kernel, int kMost>
struct ByTokens {
  Kernel kernel[kMost + 1] = {};
};
template <int kMost, typename Of>
consteval auto by_tokens(Of of) {
  ByTokens<decltype(of.template operator()<1>()), kMost> all;
  [&]<int... T>(std::integer_sequence<int, T...>) {
    ((all.kernel[T + 1] = of.template operator()<T + 1>()), ...);
  }(std::make_integer_sequence<int, kMost>());
  return all;
}

template <class S, class Traits, class Vectors>
inline constexpr auto kMultipliers = by_tokens<Vectors::kTokensAtOnce>([]<int T>() {
  if constexpr (Traits::kFactors) return &multiply_factors<S, Traits, Vectors, T>;
  else return &multiply<S, Traits, Vectors, T>;
});
template <class S>
inline constexpr auto kFloatMultipliers = by_tokens<S::kTile>([]<int T>() { return &multiply_floats<S, T>; });

inline constexpr int kColumnsTogether = 2048;  // that some panels take one behind the other: a multiple of kStretchColumns
template <class S>
int panels_together(const LinearArgs& args) noexcept {
  return size_t(args.tokens) * args.depth > kNearValues ? S::kPanelsTogether : 1;
}

// All tokens of a call with columns [k, k + columns) of a panel; `ahead` goes with the first tile of tokens. Of a deep
// product each next tile is asked for: it begins in another page, which the hardware does not foresee.
template <class S, class Weight, class Vectors>
void multiply_tokens(const LinearArgs& args, int k, int columns, const Tile& tile, const std::byte* quants, float* total,
                     Prefetch ahead) noexcept {
  const auto& multiply = kMultipliers<S, typename TileTraits<S, Weight>::Kind, Vectors>.kernel;
  const bool deep = panels_together<S>(args) > 1;
  const std::byte* x = args.x;
  for (int t = 0; t < args.tokens; t += S::kTile, x += args.x_stride) {
    int tokens = args.tokens - t < S::kTile ? args.tokens - t : S::kTile;
    const std::byte* blocks = quant_block<S>(x, k, tokens);
    if (deep && t + 2 * S::kTile <= args.tokens) {
      const std::byte *next = blocks + args.x_stride, *end = quant_block<S>(next, columns, tokens);
      for (; next < end; next += 64) __builtin_prefetch(next);
    }
    multiply[tokens](tile, quants, columns, blocks, total + t * kPanelRows, t == 0 ? ahead : Prefetch{});
  }
}

template <class S>
void multiply_float_tokens(const LinearArgs& args, int k, int columns, const FloatTile& tile, float* total) noexcept {
  const std::byte* x = args.x;
  for (int t = 0; t < args.tokens; t += S::kTile, x += args.x_stride) {
    int tokens = args.tokens - t < S::kTile ? args.tokens - t : S::kTile;
    auto from = reinterpret_cast<const float*>(x) + size_t(k) * tokens;
    kFloatMultipliers<S>.kernel[tokens](tile, columns, from, total + t * kPanelRows);
  }
}

// The wanted ones of 16 rows that begin at row `first` of the weight.
template <class S>
void write_panel(const LinearArgs& args, int first, const float* total) noexcept {
  int begin = args.row > first ? args.row - first : 0;
  int end = args.row + args.rows - first < kPanelRows ? args.row + args.rows - first : kPanelRows;
  for (int t = 0; t < args.tokens; ++t, total += kPanelRows) {
    float* out = args.out + t * args.out_stride + (first - args.row);
    const float* bias = args.bias ? args.bias + (first - args.row) : nullptr;
    if (begin == 0 && end == kPanelRows) {
      typename S::R value = S::load_rows(total);
      S::store_rows(out, bias ? S::add(value, S::load_rows(bias)) : value);
      continue;
    }
    for (int r = begin; r < end; ++r) out[r] = bias ? total[r] + bias[r] : total[r];
  }
}

// Panel after panel; `add(first row, total)` adds all products of 16 rows.
template <class S, typename Add>
void each_panel(const LinearArgs& args, Add add) noexcept {
  assert(args.rows >= 0 && args.depth > 0 && args.tokens <= kMostTokens);
  alignas(64) float total[kMostTokens * kPanelRows];
  for (int first = args.row / kPanelRows * kPanelRows; first < args.row + args.rows; first += kPanelRows) {
    for (int t = 0; t < args.tokens; ++t) S::store_rows(total + t * kPanelRows, S::rows_zero());
    add(first, total);
    write_panel<S>(args, first, total);
  }
}

// The same for panels_together(): `add(source, k, columns, total)` adds the products of a stretch, whose weights `source`,
// opened at the panel's first row, gives in order.
template <class S, class Source, typename Add>
void each_stretch(const LinearArgs& args, Add add) noexcept {
  assert(args.rows >= 0 && args.depth > 0 && args.tokens <= kMostTokens);
  const int step = panels_together<S>(args) * kPanelRows, end = args.row + args.rows;
  alignas(64) float total[S::kPanelsTogether][kMostTokens * kPanelRows];
  Source source[S::kPanelsTogether];
  for (int begin = args.row / kPanelRows * kPanelRows; begin < end; begin += step) {
    const int rows = end - begin < step ? end - begin : step, panels = (rows + kPanelRows - 1) / kPanelRows;
    for (int p = 0; p < panels; ++p) {
      source[p].open(args, begin + p * kPanelRows);
      for (int t = 0; t < args.tokens; ++t) S::store_rows(total[p] + t * kPanelRows, S::rows_zero());
    }
    for (int block = 0; block < args.depth; block += kColumnsTogether) {
      const int last = args.depth - block < kColumnsTogether ? args.depth : block + kColumnsTogether;
      for (int p = 0; p < panels; ++p) {
        for (int k = block; k < last; k += kStretchColumns) {
          add(source[p], k, last - k < kStretchColumns ? last - k : kStretchColumns, total[p]);
        }
      }
    }
    for (int p = 0; p < panels; ++p) write_panel<S>(args, begin + p * kPanelRows, total[p]);
  }
}

// Where tiles come from: panels, or rows as in the file. `fill` is called for stretches in order.
template <class S, class Format>
struct FromPanels {
  using Panel = Format;
  using Weight = typename Panel::Weight;
  static constexpr int kValues = Weight::Block::kValues;
  const std::byte* at;  // the next stretch
  int weight_columns, quant_bytes, line_bytes;
  int stretch_bytes = 0;  // of the one that was filled

  void open(const LinearArgs& args, int first) noexcept {
    at = args.weight + size_t(first / kPanelRows) * args.weight_stride;
    weight_columns = args.weight_columns;
    quant_bytes = args.panel->quant_bytes;
    line_bytes = args.panel->line_bytes;
  }

  // Calls use(quants, lines, i) for the blocks of columns [k, k + columns).
  template <typename Use>
  void each_block(int k, int columns, Use use) noexcept {
    int left = weight_columns - k, count = (left < kStretchColumns ? left : kStretchColumns) / kValues;
    const std::byte *quants = at, *lines = at + count * quant_bytes;
    at += (count * (quant_bytes + line_bytes) + 63) / 64 * 64;
    for (int i = 0; i < columns / kValues; ++i, quants += quant_bytes, lines += line_bytes) {
      for (int j = 0; j < line_bytes; j += 64) __builtin_prefetch(lines + kAhead + j, 0, 2);
      use(quants, lines, i);
    }
  }
  // As much as the last stretch had, at each of its groups; `fill` asks for what lies in front of that.
  Prefetch ahead(int columns) const noexcept {
    return {at + kAhead, (stretch_bytes / (columns / kQuantBlock) + 63) / 64 * 64};
  }

  // Flattened: GCC would call what finds the scales, and pass vectors through memory.
  [[gnu::flatten]] void fill(int k, int columns, Tile& tile) noexcept {
    const std::byte* before = at;
    each_block(k, columns, [&tile](const std::byte* quants, const std::byte* lines, int i) {
      Panel::block(quants, lines, tile, i * (kValues / 4), i * (kValues / TileTraits<S, Weight>::kPart));
    });
    stretch_bytes = static_cast<int>(at - before);
  }
  // All but the tile's vectors, for which it returns the quants.
  [[gnu::flatten]] const std::byte* fill_lines(int k, int columns, Tile& tile) noexcept {
    const std::byte* quants = at;
    each_block(k, columns, [&tile](const std::byte*, const std::byte* lines, int i) {
      Panel::lines(lines, tile, i * (kValues / TileTraits<S, Weight>::kPart));
    });
    stretch_bytes = static_cast<int>(at - quants);
    return quants;
  }
};

template <class S, class InPlace>
struct FromRows {
  using Weight = InPlace;
  const std::byte* rows;
  size_t stride;
  int count;

  void open(const LinearArgs& args, int first) noexcept {
    rows = args.weight + size_t(first) * args.weight_stride;
    stride = args.weight_stride;
    count = args.weight_rows - first < kPanelRows ? args.weight_rows - first : kPanelRows;
  }
  Prefetch ahead(int) const noexcept { return {}; }  // fill_in_place asks for its rows
  void fill(int k, int columns, Tile& tile) noexcept { fill_in_place<S, Weight>(rows, stride, count, k, columns, tile); }
};

// Panels that are read side by side where memory is the limit: while one is unpacked, the hardware runs ahead in the
// other. Weights of a byte or more take no time to unpack, and one panel after the other is faster (by a sixth).
constexpr int streams_of(int bits) { return bits >= 8 ? 1 : 2; }

// Takes the place of a tile where there is one token: vectors are multiplied as they come, without a detour through
// memory. Sums run in the order of `multiply`.
template <class S, class Weight>
struct OneToken {
  static constexpr int kPart = TileTraits<S, Weight>::kPart, kParts = Weight::Block::kValues / kPart;
  typename S::I dot[kParts];
  alignas(64) float scale[kParts][kPanelRows];
  alignas(64) float min[kParts][kPanelRows];
  alignas(64) float factor[kParts][kPanelRows];
  const QuantBlock<1>* x;
};

template <class S, class Weight>
void put(OneToken<S, Weight>& token, int v, typename S::P q) noexcept {
  typename S::I& dot = token.dot[v * 4 / OneToken<S, Weight>::kPart];
  dot = TileTraits<S, Weight>::Dots::add(dot, q, token.x[v / 8].q[v % 8][0]);
}

template <class S, class Weight>
void put_factors(OneToken<S, Weight>& token, int h, typename S::P lines) noexcept {
  S::store_rows(token.factor[h], S::template widen_signed_lines<0>(lines));
  S::store_rows(token.factor[h + 1], S::template widen_signed_lines<1>(lines));
  S::store_rows(token.factor[h + 2], S::template widen_signed_lines<2>(lines));
  S::store_rows(token.factor[h + 3], S::template widen_signed_lines<3>(lines));
}

// A group's sum as run_factors has it: whole numbers below 2^24, so that floats hold them.
template <class S, class Weight>
typename S::R dot_of(const OneToken<S, Weight>& token, int g) noexcept {
  using Traits = TileTraits<S, Weight>;
  constexpr int kParts = kQuantBlock / Traits::kPart;
  auto centred = [&](int part) {
    typename S::R dot = S::to_rows(token.dot[kParts * g + part]);
    if constexpr (Traits::kCentre == 0) return dot;
    const int16_t(&pairs)[2] = token.x[g].pairs[part][0];
    return S::sub(dot, S::rows_set1(static_cast<float>(Traits::kCentre * (pairs[0] + pairs[1]))));
  };
  typename S::R sum = S::mul(centred(0), S::load_rows(token.factor[kParts * g]));
  if constexpr (kParts == 2) sum = S::fma(centred(1), S::load_rows(token.factor[2 * g + 1]), sum);
  return sum;
}

// One block of 16 rows with the token's next columns; total [16].
template <class S, class Panel>
[[gnu::flatten]] inline void add_block(const std::byte* quants, const std::byte* lines, const QuantBlock<1>* x,
                                       float* total) noexcept {
  using Weight = typename Panel::Weight;
  using Traits = TileTraits<S, Weight>;
  using Token = OneToken<S, Weight>;
  Token token;
  token.x = x;
#pragma GCC unroll 16
  for (int part = 0; part < Token::kParts; ++part) token.dot[part] = S::no_dots();
  Panel::block(quants, lines, token, 0, 0);
  typename S::R sum[1] = {S::load_rows(total)}, product = S::rows_zero();
#pragma GCC unroll 16
  for (int g = 0; g < Token::kParts; ++g) {
    if constexpr (!Traits::kFactors) {
      float scale = x[g * Token::kPart / kQuantBlock].scale[0];
      sum[0] = S::fma(S::mul(S::load_rows(token.scale[g]), S::rows_set1(scale)), S::to_rows(token.dot[g]), sum[0]);
    }
    if constexpr (Traits::kMins) take_min<S, Traits>(token.min[g], g, x, sum);
  }
  if constexpr (Traits::kFactors) {
#pragma GCC unroll 8
    for (int g = 0; g < Weight::kGroups; ++g) product = S::fma(S::rows_set1(x[g].scale[0]), dot_of<S>(token, g), product);
    sum[0] = S::fma(S::load_rows(token.scale[0]), product, sum[0]);
  }
  S::store_rows(total, sum[0]);
}

// A run of panels is read as kStreams runs side by side: advance(stream, first row of the panel, k, columns, total) adds
// the products of a stretch.
template <class S, int kStreams, typename Advance>
void each_stream(const LinearArgs& args, Advance advance) noexcept {
  int begin = args.row / kPanelRows, panels = (args.row + args.rows + kPanelRows - 1) / kPanelRows - begin;
  int steps = (panels + kStreams - 1) / kStreams;
  for (int step = 0; step < steps; ++step) {
    alignas(64) float total[kStreams][kPanelRows];
    for (auto& sums : total) S::store_rows(sums, S::rows_zero());
    for (int k = 0; k < args.depth; k += kStretchColumns) {
      int columns = args.depth - k < kStretchColumns ? args.depth - k : kStretchColumns;
      for (int i = 0, panel = step; panel < panels; ++i, panel += steps) {
        advance(i, (begin + panel) * kPanelRows, k, columns, total[i]);
      }
    }
    for (int i = 0, panel = step; panel < panels; ++i, panel += steps) {
      write_panel<S>(args, (begin + panel) * kPanelRows, total[i]);
    }
  }
}

template <class S, class Panel>
void linear_one_token(const LinearArgs& args) noexcept {
  using Block = typename Panel::Weight::Block;
  constexpr int kStreams = streams_of(8 * sizeof(Block) / Block::kValues);
  FromPanels<S, Panel> source[kStreams];
  each_stream<S, kStreams>(args, [&](int stream, int first, int k, int columns, float* total) {
    if (k == 0) source[stream].open(args, first);
    auto x = reinterpret_cast<const QuantBlock<1>*>(quant_block<S>(args.x, k, 1));
    source[stream].each_block(k, columns, [&](const std::byte* quants, const std::byte* lines, int i) {
      add_block<S, Panel>(quants, lines, x + i * (Block::kValues / kQuantBlock), total);
    });
  });
}

// The same for weights that are floats already. Sums run in the order of multiply_floats.
template <class S, class Weight>
void linear_plain_one_token(const LinearArgs& args) noexcept {
  constexpr size_t kColumnBytes = kPanelRows * Weight::kBytes;
  auto x = reinterpret_cast<const float*>(args.x);
  each_stream<S, streams_of(8 * Weight::kBytes)>(args, [&](int, int first, int k, int columns, float* total) {
    const std::byte* weight = args.weight + size_t(first / kPanelRows) * args.weight_stride + k * kColumnBytes;
    for (int i = 0; i < columns; i += kFloatColumns) {
      int end = columns - i < kFloatColumns ? columns : i + kFloatColumns;
      typename S::R sum = S::rows_zero();
      for (int j = i; j < end; ++j, weight += kColumnBytes) {
        __builtin_prefetch(weight + kAhead, 0, 2);
        sum = S::fma(Weight::load(weight), S::rows_set1(x[k + j]), sum);
      }
      S::store_rows(total, S::add(S::load_rows(total), sum));
    }
  });
}

// Few tokens take weights from where the panel has them, as they are unpacked: they are not worth a tile. `multiply` does
// it, so sums have its order.
template <class S, class Panel>
void linear_few_tokens(const LinearArgs& args) noexcept {
  static_assert(Panel::kTokensAtOnce <= S::kTile && Panel::Weight::Block::kValues / kQuantBlock % Panel::kAlike == 0);
  Tile tile;
  each_stretch<S, FromPanels<S, Panel>>(args, [&](auto& source, int k, int columns, float* total) {
    const std::byte* quants = source.fill_lines(k, columns, tile);
    multiply_tokens<S, typename Panel::Weight, Panel>(args, k, columns, tile, quants, total, source.ahead(columns));
  });
}

// Quantised activations.
template <class S, class Source>
void linear_int8(const LinearArgs& args) noexcept {
  using Weight = typename Source::Weight;
  if constexpr (S::kOneTokenDirect && requires { typename Source::Panel; }) {
    if (args.tokens == 1) return linear_one_token<S, typename Source::Panel>(args);
  }
  if constexpr (S::kFewTokensDirect && requires { Source::Panel::kTokensAtOnce; }) {
    if (args.tokens <= Source::Panel::kTokensAtOnce) return linear_few_tokens<S, typename Source::Panel>(args);
  }
  Tile tile;
  auto quants = reinterpret_cast<const std::byte*>(tile.q);
  each_stretch<S, Source>(args, [&](Source& source, int k, int columns, float* total) {
    source.fill(k, columns, tile);
    if constexpr (TileTraits<S, Weight>::kSplit) split_signs<S, Weight>(tile, columns);
    multiply_tokens<S, Weight, TileVectors<S>>(args, k, columns, tile, quants, total, source.ahead(columns));
  });
}

// Block formats with activations in float32.
template <class S, class Source>
void linear_floats(const LinearArgs& args) noexcept {
  Tile tile;
  FloatTile floats;
  each_stretch<S, Source>(args, [&](Source& source, int k, int columns, float* total) {
    source.fill(k, columns, tile);
    for (int i = 0; i < columns; i += kFloatColumns) {
      int count = columns - i < kFloatColumns ? columns - i : kFloatColumns;
      to_floats<S, typename Source::Weight>(tile, i, floats);
      multiply_float_tokens<S>(args, k + i, count, floats, total);
    }
  });
}

// Weights that are floats already, as panels.
template <class S, class Weight>
void linear_plain(const LinearArgs& args) noexcept {
  if (args.tokens == 1) return linear_plain_one_token<S, Weight>(args);
  each_panel<S>(args, [&args](int first, float* total) {
    const std::byte* weight = args.weight + size_t(first / kPanelRows) * args.weight_stride;
    FloatTile floats;
    for (int k = 0; k < args.depth; k += kFloatColumns) {
      int count = args.depth - k < kFloatColumns ? args.depth - k : kFloatColumns;
      for (int i = 0; i < count; ++i, weight += kPanelRows * Weight::kBytes) {
        S::store_rows(floats.w[i], Weight::load(weight));
      }
      multiply_float_tokens<S>(args, k, count, floats, total);
    }
  });
}

// The same as they lie in the file.
template <class S, class Weight>
void linear_plain_rows(const LinearArgs& args) noexcept {
  each_panel<S>(args, [&args](int first, float* total) {
    int rows = args.weight_rows - first < kPanelRows ? args.weight_rows - first : kPanelRows;
    FloatTile floats{};
    for (int k = 0; k < args.depth; k += kFloatColumns) {
      int count = args.depth - k < kFloatColumns ? args.depth - k : kFloatColumns;
      const std::byte* weight = args.weight + size_t(first) * args.weight_stride + size_t(k) * Weight::kBytes;
      fill_plain_in_place<S, Weight>(weight, args.weight_stride, rows, count, floats);
      multiply_float_tokens<S>(args, k, count, floats, total);
    }
  });
}

// Formats without kernels of their own: the format table unpacks a stretch of a row at a time.
template <class S>
void linear_foreign(const LinearArgs& args) noexcept {
  each_panel<S>(args, [&args](int first, float* total) {
    const FormatInfo& format = *args.format;
    assert(kStretchColumns % format.block_values == 0);
    int rows = args.weight_rows - first < kPanelRows ? args.weight_rows - first : kPanelRows;
    float unpacked[kPanelRows][kStretchColumns];
    FloatTile floats{};
    for (int k = 0; k < args.depth; k += kStretchColumns) {
      int columns = args.depth - k < kStretchColumns ? args.depth - k : kStretchColumns;
      for (int r = 0; r < rows; ++r) {
        const std::byte* weight = args.weight + size_t(first + r) * args.weight_stride;
        unpack_values(format, weight + size_t(k / format.block_values) * format.block_bytes, unpacked[r], columns);
      }
      for (int i = 0; i < columns; i += kFloatColumns) {
        int count = columns - i < kFloatColumns ? columns - i : kFloatColumns;
        for (int r = 0; r < rows; ++r) {
          for (int j = 0; j < count; ++j) floats.w[j][r] = unpacked[r][i + j];
        }
        multiply_float_tokens<S>(args, k + i, count, floats, total);
      }
    }
  });
}

// Up to kTile rows of floats become [depth, tokens].
template <class S>
void interleave(const float* x, size_t x_stride, int tokens, int depth, std::byte* out) noexcept {
  auto to = reinterpret_cast<float*>(out);
  for (int t = 0; t < tokens; ++t, x += x_stride) {
    for (int k = 0; k < depth; ++k) to[k * tokens + t] = x[k];
  }
}

inline constexpr float kLeastRounded = 1e-36f;  // 127 / x is a float for x above it; what is below becomes zeros

template <class S, int T>
void quantise_tokens(const float* x, size_t x_stride, int depth, std::byte* out) noexcept {
  using F = typename S::F;
  auto block = reinterpret_cast<QuantBlock<T>*>(out);
  for (int k = 0; k < depth; k += kQuantBlock, ++block) {
    for (int t = 0; t < T; ++t) {
      F v[4];
      for (int i = 0; i < 4; ++i) v[i] = S::load(x + t * x_stride + k + 8 * i);
      float largest = S::largest_magnitude(v);
      F to_steps = S::set1(largest > kLeastRounded ? 127 / largest : 0);
      for (F& value : v) value = S::mul(value, to_steps);
      int8_t rounded[kQuantBlock];
      int16_t pairs[2][2];
      S::store_rounded(rounded, v, pairs);
      for (int i = 0; i < kQuantBlock / 4; ++i) std::memcpy(block->q[i][t], rounded + 4 * i, 4);
      float scale = largest / 127;
      int total[2] = {pairs[0][0] + pairs[0][1], pairs[1][0] + pairs[1][1]};
      block->scale[t] = scale;
      block->sum[t] = scale * static_cast<float>(total[0] + total[1]);
      for (int half = 0; half < 2; ++half) {
        block->half_sum[half][t] = scale * static_cast<float>(total[half]);
        std::memcpy(block->pairs[half][t], pairs[half], sizeof pairs[half]);
      }
    }
  }
}

template <class S>
inline constexpr auto kQuantisers = by_tokens<S::kTile>([]<int T>() { return &quantise_tokens<S, T>; });

// Up to kTile rows of floats are rounded to int8 with one scale for each 32 values.
template <class S>
void quantise(const float* x, size_t x_stride, int tokens, int depth, std::byte* out) noexcept {
  assert(depth % kQuantBlock == 0);
  kQuantisers<S>.kernel[tokens](x, x_stride, depth, out);
}

}  // namespace troika::kernels
