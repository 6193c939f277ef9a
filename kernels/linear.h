// x · weightᵀ in tiles of R weight rows × T tokens whose sums stay in registers. Every sum (one weight row, one
// token) runs over K in the same order in every tile shape, so that results do not depend on how many tokens
// there are or how the rows are shared out. A block of weights is unpacked once per tile of tokens.
#pragma once

#include <cassert>

#include "kernels/kernel_table.h"
#include "kernels/tables.h"
#include "kernels/weights.h"

namespace troika::kernels {

template <class S, int R, int T>
void finish_tile(const LinearArgs& args, int row, int token, const typename S::F (&sum)[R][T]) noexcept {
  for (int t = 0; t < T; ++t) {
    float* out = args.out + (token + t) * args.out_stride + row;
    for (int r = 0; r < R; ++r) {
      float value = S::sum(sum[r][t]);
      out[r] = args.bias ? value + args.bias[row + r] : value;
    }
  }
}

template <class S>
const float* float_row(const LinearArgs& args, int token) noexcept {
  return reinterpret_cast<const float*>(args.x + token * args.x_stride);
}

// Weights that are floats already. The last K % 8 values go through a buffer padded with zeros.
template <class S, class Weight, int R, int T>
struct PlainTile {
  static constexpr int kWidest = S::kFloatTokens;
  static constexpr int rows(int tokens) { return tokens == 1 ? 4 : 2; }
  static void run(const LinearArgs& args, int row, int token) noexcept {
    using F = typename S::F;
    F sum[R][T];
    for (int r = 0; r < R; ++r) {
      for (int t = 0; t < T; ++t) sum[r][t] = S::zero();
    }
    const float* x[T];
    for (int t = 0; t < T; ++t) x[t] = float_row<S>(args, token + t);
    const std::byte* weight = args.weight + row * args.weight_stride;
    int k = 0;
    for (; k + 8 <= args.depth; k += 8) {
      F w[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) w[r] = Weight::load(weight + r * args.weight_stride + size_t(k) * Weight::kBytes);
#pragma GCC unroll 8
      for (int t = 0; t < T; ++t) {
        F value = S::load(x[t] + k);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) sum[r][t] = S::fma(w[r], value, sum[r][t]);
      }
    }
    if (k < args.depth) {
      int rest = args.depth - k;
      F w[R];
      for (int r = 0; r < R; ++r) {
        std::byte padded[8 * Weight::kBytes] = {};
        std::memcpy(padded, weight + r * args.weight_stride + size_t(k) * Weight::kBytes, rest * Weight::kBytes);
        w[r] = Weight::load(padded);
      }
      for (int t = 0; t < T; ++t) {
        float padded[8] = {};
        std::memcpy(padded, x[t] + k, rest * sizeof(float));
        for (int r = 0; r < R; ++r) sum[r][t] = S::fma(w[r], S::load(padded), sum[r][t]);
      }
    }
    finish_tile<S, R, T>(args, row, token, sum);
  }
};

// Block formats against float32 activations.
template <class S, class Weight, int R, int T>
struct UnpackedTile {
  static constexpr int kWidest = S::kFloatTokens;
  static constexpr int rows(int tokens) { return tokens == 1 ? 4 : 2; }
  static void run(const LinearArgs& args, int row, int token) noexcept {
    using F = typename S::F;
    using Block = typename Weight::Block;
    F sum[R][T];
    for (int r = 0; r < R; ++r) {
      for (int t = 0; t < T; ++t) sum[r][t] = S::zero();
    }
    for (int k = 0; k < args.depth; k += Block::kValues) {
      alignas(32) float w[R][Block::kValues];
      for (int r = 0; r < R; ++r) {
        auto blocks = reinterpret_cast<const Block*>(args.weight + (row + r) * args.weight_stride);
        unpack_groups<S, Weight>(blocks[k / Block::kValues], w[r]);
      }
      for (int i = 0; i < Block::kValues; i += 8) {
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) {
          F value = S::load(float_row<S>(args, token + t) + k + i);
#pragma GCC unroll 8
          for (int r = 0; r < R; ++r) sum[r][t] = S::fma(S::load(w[r] + i), value, sum[r][t]);
        }
      }
    }
    finish_tile<S, R, T>(args, row, token, sum);
  }
};

// Block formats against quantised activations (kernel_table.h shows their layout).
template <class S, class Weight, int R, int T>
struct IntegerTile {
  static constexpr int kWidest = S::kIntegerTokens;
  // More rows at once were never faster, and at 1 token up to 2.5 times slower (q8_0, q6_k; 4096x4096, Zen 5).
  static constexpr int rows(int) { return 1; }
  static void run(const LinearArgs& args, int row, int token) noexcept {
    using F = typename S::F;
    using Block = typename Weight::Block;
    constexpr int kGroups = Weight::kGroups;
    F sum[R][T], below[R][T];  // below: what the mins take away
    for (int r = 0; r < R; ++r) {
      for (int t = 0; t < T; ++t) sum[r][t] = below[r][t] = S::zero();
    }
    const std::byte* q[T];
    const float* scale[T];
    for (int t = 0; t < T; ++t) {
      q[t] = args.x + (token + t) * args.x_stride;
      scale[t] = reinterpret_cast<const float*>(q[t] + args.depth);
    }
    int groups_per_row = args.depth / kQuantBlock;
    int blocks = args.depth / Block::kValues;
    for (int b = 0; b < blocks; ++b) {
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        auto row_blocks = reinterpret_cast<const Block*>(args.weight + (row + r) * args.weight_stride);
        Groups<S, kGroups> w;
        Weight::groups(row_blocks[b], w);
        alignas(32) float both[T][kGroups];  // scale of the weights times scale of the activations
        alignas(32) float both_min[T][kGroups];  // where there are kHalfMins: the same of the mins
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) {
          const float* s = scale[t] + b * kGroups;
          if constexpr (kGroups == 8) {
            S::store(both[t], S::mul(S::load(w.scale), S::load(s)));
            if constexpr (Weight::kHalfMins) {
              S::store(both_min[t], S::mul(S::load(w.min), S::load(s)));
            } else if constexpr (Weight::kHasMin) {
              below[r][t] = S::fma(S::load(w.min), S::load(s + groups_per_row), below[r][t]);
            }
          } else {
            static_assert(!Weight::kHalfMins);
            for (int g = 0; g < kGroups; ++g) both[t][g] = w.scale[g] * s[g];
            if constexpr (Weight::kHasMin) {  // an eighth of it in each of eight lanes
              static_assert(kGroups == 1);
              below[r][t] = S::fma(S::set1(w.min[0] / 8), S::set1(s[groups_per_row]), below[r][t]);
            }
          }
        }
#pragma GCC unroll 8
        for (int g = 0; g < kGroups; ++g) {
#pragma GCC unroll 8
          for (int t = 0; t < T; ++t) {
            typename S::B a = S::load_bytes(q[t] + (b * kGroups + g) * kQuantBlock);
            F dot;
            if constexpr (Weight::kSigned) dot = S::dot_signed(w.q[g], a, w.factor[g]);
            else dot = S::dot_unsigned(w.q[g], a, w.factor[g]);
            sum[r][t] = S::fma(dot, S::set1(both[t][g]), sum[r][t]);
            if constexpr (Weight::kHalfMins) {  // the activations' sums over each half
              F half_sums = S::dot_unsigned(S::all_bytes(1), a, w.min_factor[g]);
              below[r][t] = S::fma(half_sums, S::set1(both_min[t][g]), below[r][t]);
            }
          }
        }
      }
    }
    if constexpr (Weight::kHasMin) {
      for (int r = 0; r < R; ++r) {
        for (int t = 0; t < T; ++t) sum[r][t] = S::sub(sum[r][t], below[r][t]);
      }
    }
    finish_tile<S, R, T>(args, row, token, sum);
  }
};

// Formats without a kernel of their own against float32 activations: the format table unpacks a stretch at a time.
template <class S, class, int R, int T>
struct ForeignTile {
  static constexpr int kWidest = S::kFloatTokens;
  static constexpr int kStretch = 256;  // a multiple of every block
  static constexpr int rows(int) { return 1; }
  static void run(const LinearArgs& args, int row, int token) noexcept {
    static_assert(R == 1);
    const FormatInfo& format = *args.format;
    assert(kStretch % format.block_values == 0);
    typename S::F sum[1][T];
    for (int t = 0; t < T; ++t) sum[0][t] = S::zero();
    const std::byte* weight = args.weight + row * args.weight_stride;
    for (int k = 0; k < args.depth; k += kStretch) {
      int count = args.depth - k < kStretch ? args.depth - k : kStretch;
      alignas(32) float w[kStretch];
      unpack_values(format, weight + size_t(k / format.block_values) * format.block_bytes, w, count);
      for (int i = count; i % 8 != 0; ++i) w[i] = 0;
      for (int t = 0; t < T; ++t) {
        const float* x = float_row<S>(args, token + t) + k;
        int i = 0;
        for (; i + 8 <= count; i += 8) sum[0][t] = S::fma(S::load(w + i), S::load(x + i), sum[0][t]);
        if (i == count) continue;
        float padded[8] = {};
        std::memcpy(padded, x + i, (count - i) * sizeof(float));
        sum[0][t] = S::fma(S::load(w + i), S::load(padded), sum[0][t]);
      }
    }
    finish_tile<S, 1, T>(args, row, token, sum);
  }
};

template <class S, template <class, class, int, int> class Tile, class Weight, int R, int T>
void tile_rows(const LinearArgs& args, int token) noexcept {
  int row = 0;
  for (; row + R <= args.rows; row += R) Tile<S, Weight, R, T>::run(args, row, token);
  if constexpr (R > 1) {
    for (; row < args.rows; ++row) Tile<S, Weight, 1, T>::run(args, row, token);
  }
}

// T tokens at a time, then what is left with a smaller tile.
template <class S, template <class, class, int, int> class Tile, class Weight, int T>
void tile_tokens(const LinearArgs& args, int token) noexcept {
  constexpr int kRows = Tile<S, Weight, 1, 1>::rows(T);
  for (; token + T <= args.tokens; token += T) tile_rows<S, Tile, Weight, kRows, T>(args, token);
  if constexpr (T > 1) {
    if (token < args.tokens) tile_tokens<S, Tile, Weight, T - 1>(args, token);
  }
}

template <class S, template <class, class, int, int> class Tile, class Weight>
void linear(const LinearArgs& args) noexcept {
  assert(args.rows >= 0 && args.depth > 0);
  tile_tokens<S, Tile, Weight, Tile<S, Weight, 1, 1>::kWidest>(args, 0);
}

// Rounds rows of floats to int8 with one scale for each 32 values.
template <class S>
void quantise(const float* x, int rows, int depth, std::byte* out, size_t stride) noexcept {
  using F = typename S::F;
  assert(depth % kQuantBlock == 0);
  int blocks = depth / kQuantBlock;
  for (int row = 0; row < rows; ++row, x += depth, out += stride) {
    auto q = reinterpret_cast<int8_t*>(out);
    auto scales = reinterpret_cast<float*>(out + depth), sums = scales + blocks;
    for (int b = 0; b < blocks; ++b) {
      F v[4], most = S::zero();
      for (int i = 0; i < 4; ++i) {
        v[i] = S::load(x + b * kQuantBlock + 8 * i);
        most = S::max(most, S::abs(v[i]));
      }
      float largest = S::largest(most);
      F to_steps = S::set1(largest > 0 ? 127 / largest : 0);
      for (F& value : v) value = S::mul(value, to_steps);
      int32_t total = S::store_rounded(q + b * kQuantBlock, v);
      scales[b] = largest / 127;
      sums[b] = scales[b] * static_cast<float>(total);
    }
  }
}

}  // namespace troika::kernels
