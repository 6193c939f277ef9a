// From blocks as they lie in the file to tiles: formats that have no panels, and all of them when weights are not
// repacked. Blocks of one row are read as groups of 32 bytes (weights.h), and 16 rows of these turned.
#pragma once

#include "kernels/tile.h"
#include "kernels/weights_iq.h"

namespace troika::kernels {

// The scales and mins of 16 rows, row by row: they are turned with the bytes.
template <class S, class Weight>
struct RowLines {
  static constexpr int kParts = Weight::kHalves ? 2 : 1;
  static constexpr int kLines = kStretchColumns / 32 * kParts;
  alignas(64) float scale[kPanelRows][kLines];
  alignas(64) float min[Weight::kHasMin ? kPanelRows : 1][kLines];
  alignas(64) float d[kPanelRows];  // where `scale` has whole factors: the block's scale
};

// One block of row r: its bytes for the groups from `g` (of 32) on, its scales and mins.
template <class S, class Weight>
void read_row(const typename Weight::Block& block, int r, int g, typename S::B (*bytes)[kPanelRows],
              RowLines<S, Weight>& lines) noexcept {
  constexpr int kGroups = Weight::kGroups;
  Groups<S, kGroups> from;
  Weight::groups(block, from);
#pragma GCC unroll 8
  for (int i = 0; i < kGroups; ++i) bytes[g + i][r] = Weight::kSigned ? S::offset_signed(from.q[i]) : from.q[i];
  if constexpr (Weight::kFactors) {
    typename S::B factors = S::load_16_bytes_twice(from.factor);
    lines.d[r] = from.scale[0];
    S::store(lines.scale[r], S::template widen<0>(factors));
    if constexpr (Weight::kHalves) S::store(lines.scale[r] + 8, S::template widen<1>(factors));
  } else {
    std::memcpy(lines.scale[r] + g, from.scale, kGroups * sizeof(float));
  }
  if constexpr (Weight::kHalfMins) {
    typename S::B min_factors = S::load_16_bytes_twice(from.min_factor);
    typename S::F min = S::load(from.min);
    S::store(lines.min[r], S::mul(min, S::template widen<0>(min_factors)));
    S::store(lines.min[r] + 8, S::mul(min, S::template widen<1>(min_factors)));
  } else if constexpr (Weight::kHasMin) {
    std::memcpy(lines.min[r] + g, from.min, kGroups * sizeof(float));
  }
}

// [16, kLines] of four bytes becomes [kLines, 16].
template <class S, int kLines>
void turn_lines(const float (&from)[kPanelRows][kLines], float (*to)[kPanelRows]) noexcept {
  for (int line = 0; line < kLines; line += 8) {
    for (int row = 0; row < kPanelRows; row += 8) {
      typename S::B turned[8];
      for (int i = 0; i < 8; ++i) turned[i] = S::load_bytes(from[row + i] + line);
      S::transpose(turned);
      for (int i = 0; i < 8; ++i) S::store_bytes(to[line + i] + row, turned[i]);
    }
  }
}

// The hardware follows few of sixteen rows that are read in turn.
inline constexpr int kRowAhead = 512;
template <class S>
void prefetch_row(const std::byte* from, int bytes) noexcept {
  for (int i = 0; i < bytes; i += 64) __builtin_prefetch(from + kRowAhead + i, 0, 2);
}

// Columns [k, k + columns) of `count` rows from `rows` on; the other rows of the tile become zeros.
template <class S, class Weight>
void fill_in_place(const std::byte* rows, size_t stride, int count, int k, int columns, Tile& tile) noexcept {
  using Traits = TileTraits<S, Weight>;
  using Block = typename Weight::Block;
  constexpr int kTileBytes = kStretchColumns / Block::kValues * static_cast<int>(sizeof(Block));
  typename S::B bytes[kStretchColumns / 32][kPanelRows];
  RowLines<S, Weight> lines;
  if (count < kPanelRows || columns < kStretchColumns) {
    std::memset(bytes, 0, sizeof bytes);
    std::memset(&lines, 0, sizeof lines);
  }
  for (int r = 0; r < count; ++r) {
    auto blocks = reinterpret_cast<const Block*>(rows + r * stride) + k / Block::kValues;
    prefetch_row<S>(reinterpret_cast<const std::byte*>(blocks), kTileBytes);
    for (int g = 0; g < columns / 32; g += Weight::kGroups) read_row<S, Weight>(*blocks++, r, g, bytes, lines);
  }
  for (int g = 0; g < columns / 32; ++g) {
    for (int half = 0; half < 2; ++half) {
      typename S::B turned[8];
      for (int i = 0; i < 8; ++i) turned[i] = bytes[g][8 * half + i];
      S::transpose(turned);
      for (int i = 0; i < 8; ++i) S::store_bytes(tile.q[8 * g + i] + 32 * half, turned[i]);
    }
  }
  alignas(64) float scales[lines.kLines][kPanelRows];
  turn_lines<S>(lines.scale, scales);
  for (int line = 0; line < lines.kLines; ++line) {
    typename S::R scale = S::load_rows(scales[line]);
    if constexpr (Traits::kFactors) S::store_panel(tile.factor[line], S::to_factors(scale));
    if constexpr (Weight::kFactors) set_factor<S, Weight>(scale, S::load_rows(lines.d), tile, line);
    else set_scales<S, Weight>(tile, line, scale);
  }
  if constexpr (Weight::kFactors) set_block_scale<S, Weight>(S::load_rows(lines.d), tile);
  if constexpr (Weight::kHasMin) turn_lines<S>(lines.min, tile.min);
}

// Plain floats: columns [0, count) of `rows` rows from `from` on; the other rows of the tile stay as they are.
template <class S, class Weight>
void fill_plain_in_place(const std::byte* from, size_t stride, int rows, int count, FloatTile& tile) noexcept {
  int k = 0;
  for (; k + 16 <= count; k += 16) {
    alignas(64) float wide[kPanelRows][16];
    if (rows < kPanelRows) std::memset(wide, 0, sizeof wide);
    for (int r = 0; r < rows; ++r) {
      const std::byte* at = from + r * stride + size_t(k) * Weight::kBytes;
      prefetch_row<S>(at, 16 * Weight::kBytes);
      S::store_rows(wide[r], Weight::load(at));
    }
    turn_lines<S>(wide, tile.w + k);
  }
  for (; k < count; ++k) {
    for (int r = 0; r < rows; ++r) tile.w[k][r] = Weight::one(from + r * stride + size_t(k) * Weight::kBytes);
  }
}

}  // namespace troika::kernels
