// What tests of the linear kernels share: the tables of this machine, weights of any format with every bit random, as
// rows and as panels, and activations in tiles.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/half.h"
#include "kernels/kernel_table.h"
#include "tensor/random_blocks.h"

namespace troika::kernels {

struct NamedIsa {
  Isa isa;
  const char* name;
  friend void PrintTo(const NamedIsa& isa, std::ostream* to) { *to << isa.name; }
};
inline constexpr NamedIsa kNamedIsas[] = {{Isa::scalar, "scalar"}, {Isa::avx2, "avx2"}, {Isa::avx512, "avx512"}};

inline std::vector<const KernelTable*> tables() {
  std::vector<const KernelTable*> found;
  for (Isa isa : kIsas) {
    if (const KernelTable* table = kernel_table(isa)) found.push_back(table);
  }
  return found;
}

inline std::vector<Format> weight_formats() {
  std::vector<Format> found;
  for (const FormatInfo& f : formats()) {
    if (f.format != Format::i32) found.push_back(f.format);
  }
  return found;
}

inline std::vector<float> random_values(size_t n, uint32_t seed, float scale = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> values(n);
  for (float& v : values) v = normal(random);
  return values;
}

// What scales a block becomes `scale`, or twice that for a second half beside it.
inline void set_scales(Format format, std::byte* block, float scale) {
  auto put = [&](size_t at, float value) {
    uint16_t half = float_to_f16(value);
    std::memcpy(block + at, &half, sizeof half);
  };
  switch (format) {
    case Format::q4_1: case Format::q5_1: case Format::q4_k: case Format::q5_k: return put(0, scale), put(2, 2 * scale);
    case Format::q2_k: return put(80, scale), put(82, 2 * scale);
    case Format::q3_k: return put(108, scale);
    case Format::q6_k: return put(208, scale);
    case Format::tq1_0: return put(52, scale);
    case Format::tq2_0: return put(64, scale);
    case Format::mxfp4: block[0] = static_cast<std::byte>(128 + std::ilogb(scale)); return;
    default: return set_block_scale(format, block, scale);
  }
}

// Every bit random but those of the scales, which have either sign.
inline std::vector<std::byte> random_weight_bytes(Format format, size_t values, uint32_t seed) {
  const FormatInfo& f = info(format);
  if (f.block_values == 1) return as_blocks(format, random_values(values, seed));
  std::vector<std::byte> bytes(values / f.block_values * f.block_bytes);
  std::mt19937 random(seed);
  for (size_t at = 0; at < bytes.size(); at += f.block_bytes) {
    for (int i = 0; i < f.block_bytes; ++i) bytes[at + i] = static_cast<std::byte>(random());
    float size = 0.01f + static_cast<float>(random() % 1024) / 2048;
    set_scales(format, &bytes[at], random() % 2 ? size : -size);
  }
  return bytes;
}

// Bytes that begin where they are told to, with nothing behind them: what is read beyond is found by the sanitizers.
class Shifted {
 public:
  Shifted() = default;
  Shifted(const std::vector<std::byte>& bytes, size_t shift) : all_(shift), shift_(shift) {
    all_.insert(all_.end(), bytes.begin(), bytes.end());
  }
  std::byte* data() { return all_.data() + shift_; }
  const std::byte* data() const { return all_.data() + shift_; }

 private:
  std::vector<std::byte> all_;
  size_t shift_ = 0;
};

enum class Layout { rows, panels };

// The scale of a group of weights that are multiplied in int16: steps of 2^-11 of the largest exponent.
inline double pair_scale(std::span<const float> group) {
  float largest = 0;
  for (float v : group) largest = std::max(largest, std::abs(v));
  return largest < kLeastPaired ? 0 : std::ldexp(1.0, std::ilogb(largest) - 11);
}

struct Weights {
  Format format;
  int rows, columns;
  std::vector<float> values;  // [rows, columns]
  std::vector<float> in_steps;  // of int16, where the format may be multiplied so
  Shifted bytes, panels, int16_panels;

  // A tensor of plain floats may begin at any byte (safetensors), one of blocks at any even one.
  Weights(Format f, int row_count, int column_count, uint32_t seed)
      : Weights(f, row_count, column_count, random_weight_bytes(f, size_t(row_count) * column_count, seed)) {}
  Weights(Format f, int row_count, int column_count, const std::vector<std::byte>& from)
      : format(f), rows(row_count), columns(column_count), values(size_t(row_count) * column_count) {
    bool plain = info(f).block_values == 1;
    bytes = Shifted(from, plain ? 1 : 2);
    info(f).unpack(from.data(), values);
    panels = packed(Arithmetic::float32);
    if (!find_panel_format(format, Arithmetic::int16)) return;
    int16_panels = packed(Arithmetic::int16);
    for (int row = 0; row < rows; ++row) {
      for (int k = 0; k < columns; k += kPairGroup) {
        std::span group(&values[size_t(row) * columns + k], size_t(std::min(kPairGroup, columns - k)));
        double scale = pair_scale(group);
        for (float v : group) in_steps.push_back(scale > 0 ? static_cast<float>(scale * std::nearbyint(v / scale)) : 0);
      }
    }
  }
  // As they are multiplied.
  float value(Arithmetic arithmetic, int row, int column) const {
    return (arithmetic == Arithmetic::int16 ? in_steps : values)[size_t(row) * columns + column];
  }
  const Shifted& panels_of(Arithmetic arithmetic) const { return arithmetic == Arithmetic::int16 ? int16_panels : panels; }

 private:
  Shifted packed(Arithmetic arithmetic) const {
    const PanelFormat* panel = find_panel_format(format, arithmetic);
    if (!panel) return {};
    size_t one = panel_bytes(*panel, columns);
    std::vector<std::byte> all((rows + kPanelRows - 1) / kPanelRows * one, std::byte{0xa5});
    for (int row = 0; row < rows; row += kPanelRows) {
      pack_panel(*panel, bytes.data(), rows, columns, row, all.data() + row / kPanelRows * one);
    }
    return Shifted(all, 4);
  }
};

// Tokens in tiles, the way ops lay them out.
struct TiledTokens {
  Arithmetic arithmetic;
  int count, depth;
  size_t stride;
  std::vector<float> storage;  // begins a float late

  TiledTokens(const KernelTable& table, const std::vector<float>& x, int tokens, int columns, Arithmetic as)
      : arithmetic(as), count(tokens), depth(columns) {
    size_t row = activation_bytes(arithmetic, depth);
    stride = table.tile_tokens * row;
    storage.assign(1 + row * tokens / sizeof(float), NAN);
    for (int t = 0; t < tokens; t += table.tile_tokens) {
      table.tile_maker(arithmetic)(x.data() + size_t(t) * depth, depth, std::min(table.tile_tokens, tokens - t), depth,
                                   data() + t / table.tile_tokens * stride);
    }
  }
  std::byte* data() { return reinterpret_cast<std::byte*>(storage.data() + 1); }
};

// The parts of a tile of rounded tokens.
struct RoundedTile {
  const std::byte* tile;
  int tokens;

  const std::byte* block(int k) const { return tile + k / 32 * activation_bytes(Arithmetic::int8, 32) * tokens; }
  const float* floats(int k) const { return reinterpret_cast<const float*>(block(k) + size_t(32) * tokens); }
  const int16_t* pairs(int k) const { return reinterpret_cast<const int16_t*>(floats(k) + 4 * tokens); }
  int value(int token, int k) const { return static_cast<int8_t>(block(k)[(k % 32 / 4 * tokens + token) * 4 + k % 4]); }
  float scale(int token, int k) const { return floats(k)[token]; }
  float sum(int token, int k) const { return floats(k)[tokens + token]; }
  float half_sum(int token, int k) const { return floats(k)[(2 + k % 32 / 16) * tokens + token]; }
  int pair(int token, int k, int which) const { return pairs(k)[(k % 32 / 16 * tokens + token) * 2 + which]; }
};

// The parts of a tile of tokens rounded to pairs of int16.
struct PairTile {
  int tokens, depth;
  const int16_t* q;
  const float* scales;

  PairTile(const std::byte* tile, int token_count, int columns)
      : tokens(token_count), depth(columns), q(reinterpret_cast<const int16_t*>(tile)),
        scales(reinterpret_cast<const float*>(q + size_t(depth + 1) / 2 * 2 * tokens)) {}
  int value(int token, int k) const { return q[(k / 2 * tokens + token) * 2 + k % 2]; }  // k up to an even depth
  float scale(int token, int k) const { return scales[k / kPairGroup * tokens + token]; }
};

// What kernels multiply with, as numbers: x itself, or what it was rounded to. [tokens, depth]
inline std::vector<double> multiplied_with(const KernelTable& table, const std::vector<float>& x, TiledTokens& tiled) {
  std::vector<double> values(x.begin(), x.end());
  if (tiled.arithmetic == Arithmetic::float32) return values;
  for (int t = 0; t < tiled.count; ++t) {
    int first = t / table.tile_tokens * table.tile_tokens, in_tile = std::min(table.tile_tokens, tiled.count - first);
    const std::byte* at = tiled.data() + first / table.tile_tokens * tiled.stride;
    RoundedTile bytes{at, in_tile};
    PairTile pairs(at, in_tile, tiled.depth);
    for (int k = 0; k < tiled.depth; ++k) {
      values[size_t(t) * tiled.depth + k] = tiled.arithmetic == Arithmetic::int8
                                                ? double{bytes.scale(t - first, k)} * bytes.value(t - first, k)
                                                : double{pairs.scale(t - first, k)} * pairs.value(t - first, k);
    }
  }
  return values;
}

struct Rows {
  int first, count;
};

// The outputs of a kernel with sentinels around them: row t begins at out(t).
struct Outputs {
  static constexpr float kSentinel = -7.25e33f;
  int tokens, rows;
  size_t stride;
  std::vector<float> all;

  Outputs(int token_count, int row_count)
      : tokens(token_count), rows(row_count), stride(size_t(row_count) + 3), all(token_count * stride + 3, kSentinel) {}
  float* at(int token) { return all.data() + 3 + token * stride; }
  const float* at(int token) const { return all.data() + 3 + token * stride; }
  bool is_clean() const {
    for (size_t i = 0; i < all.size(); ++i) {
      if ((i < 3 || (i - 3) % stride >= size_t(rows)) && all[i] != kSentinel) return false;
    }
    return true;
  }
};

inline Outputs multiply(LinearKernel kernel, const Weights& w, Layout layout, TiledTokens& x, Rows rows,
                        const float* bias = nullptr) {
  Outputs out(x.count, rows.count);
  const PanelFormat* panel = layout == Layout::panels ? find_panel_format(w.format, x.arithmetic) : nullptr;
  LinearArgs args{.x = x.data(), .x_stride = x.stride, .tokens = x.count, .depth = x.depth,
                  .weight = panel ? w.panels_of(x.arithmetic).data() : w.bytes.data(),
                  .weight_stride = panel ? panel_bytes(*panel, w.columns) : row_bytes(w.format, w.columns),
                  .weight_rows = w.rows, .weight_columns = w.columns, .row = rows.first, .rows = rows.count,
                  .bias = bias, .out = out.at(0), .out_stride = out.stride, .format = &info(w.format), .panel = panel};
  kernel(args);
  return out;
}

}  // namespace troika::kernels
