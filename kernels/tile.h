// The form that all weights take before they are multiplied: 16 rows × up to 256 columns, in the nearest cache. One
// micro-kernel (linear.h) reads it; formats differ in how they fill it (panel_formats.h, in_place.h).
//
//   weight(row, k) = scale[g][row] · q(row, k) − min[g][row],   g the group of 16 or 32 columns that k lies in
//
// A format's kOffset, and what an instruction set adds to signed bytes, is in `min`. Where the instruction set wants whole
// factors (TileTraits::kFactors), there is one scale, and h is a group of 32 columns, or where the format has it so a half:
//
//   weight(row, k) = scale[0][row] · factor[h][row] · (q(row, k) − kCentre) − min[h][row]
#pragma once

#include <bit>

#include "kernels/panel.h"
#include "kernels/weights.h"

namespace troika::kernels {

struct Tile {
  alignas(64) uint8_t q[kStretchColumns / 4][64];    // vectors of four columns of each row
  alignas(64) float scale[kStretchColumns / 16][kPanelRows];
  alignas(64) float min[kStretchColumns / 16][kPanelRows];
  // Of signed weights where the instruction set wants magnitudes in q (split_signs): 0 or −1, and the sum of the negative
  // magnitudes of each group.
  alignas(64) uint8_t sign[kStretchColumns / 4][64];
  alignas(64) int32_t negative[kStretchColumns / 16][kPanelRows];
  alignas(64) int16_t factor[kStretchColumns / 16][2 * kPanelRows];  // twice each
};

inline constexpr int kFloatColumns = 64;

// Vector v of a tile, as its format's struct finds it.
template <class S>
void put(Tile& tile, int v, typename S::P q) noexcept {
  S::store_panel(tile.q[v], q);
}

// Four lines of factors, signed bytes, from `h` on.
template <class S>
void put_factors(Tile& tile, int h, typename S::P lines) noexcept {
  S::store_panel(tile.factor[h], S::template to_factors<0>(lines));
  S::store_panel(tile.factor[h + 1], S::template to_factors<1>(lines));
  S::store_panel(tile.factor[h + 2], S::template to_factors<2>(lines));
  S::store_panel(tile.factor[h + 3], S::template to_factors<3>(lines));
}

// Sixty-four bytes of a panel. Panels are read from front to back, but not vector by vector, and the hardware
// foresees nothing beyond a page.
inline constexpr int kAhead = 4096;
// The same where one panel is read at a time (streams_of in linear.h, weights of 16 bits): one token takes few operations
// for so many bytes, and a core looks 2 KB ahead by itself. With 4096 Q8_0 generates slower or, in minutes when the memory
// is slow, as fast on a Zen 4; with 2048 what is read as two panels side by side takes twice as long there.
inline constexpr int kAheadAlone = 2048;
template <class S, int kBytes = kAhead>
typename S::P stream(const std::byte* p) noexcept {
  __builtin_prefetch(p + kBytes, 0, 2);
  return S::load_panel(p);
}

struct FloatTile {
  alignas(64) float w[kFloatColumns][kPanelRows];
};

template <class DotsOf, bool kOfHalves, bool kHasMins, bool kHasSigns, bool kHasFactors, int kOffsetOfFactors>
struct TileKind {
  using Dots = DotsOf;
  static constexpr int kPart = kOfHalves ? 16 : 32, kCentre = kOffsetOfFactors;
  static constexpr bool kMins = kHasMins, kSplit = kHasSigns, kFactors = kHasFactors;
};

// How the micro-kernel treats a tile of this format.
template <class S, class Weight>
struct TileTraits {
  // Formats of about as many levels share a micro-kernel.
  static constexpr int kMost = Weight::kMost <= 15 ? 15 : Weight::kMost <= 31 ? 31 : Weight::kMost <= 63 ? 63 : 127;
  using Dots = typename S::template Dots<kMost, Weight::kSigned>;
  static constexpr bool kFactors = Weight::kFactors && S::kFactors;
  static constexpr int kPart = Weight::kHalves ? 16 : 32;  // columns with a scale, or a factor, and a min of their own
  static constexpr int kOffset = Weight::kSigned ? S::kSignedOffset : Weight::kOffset;
  // Half a group of products with what the offset is taken off beforehand fits 16 bits (simd_avx2.h).
  static constexpr bool kFits = 8 * 127 * (kOffset > kMost - kOffset ? kOffset : kMost - kOffset) <= 32767;
  static constexpr bool kCentred = kFactors && Weight::kHalves && kFits && std::has_single_bit(unsigned{kOffset});
  static constexpr int kCentre = kCentred ? kOffset : 0;
  static constexpr bool kMins = Weight::kHasMin || (kOffset != 0 && !kCentred);
  static constexpr bool kSignedBytes = Weight::kSigned && S::kSignedOffset == 0;
  static constexpr bool kSplit = kSignedBytes && S::kSplitsSigns;
  // All that the micro-kernel depends on.
  using Kind = TileKind<Dots, Weight::kHalves, kMins, kSplit, kFactors, kCentre>;
};

// Makes a tile of signed weights what the products want.
template <class S, class Weight>
void split_signs(Tile& tile, int columns) noexcept {
  constexpr int kVectors = TileTraits<S, Weight>::kPart / 4;
  for (int g = 0; g < columns / (4 * kVectors); ++g) {
    S::split_signs(tile.q[g * kVectors], tile.sign[g * kVectors], kVectors, tile.negative[g]);
  }
}

// Group g's scales, with the min that follows from them; a format with mins of its own sets these instead.
template <class S, class Weight, class T>
void set_scales(T& tile, int g, typename S::R scale) noexcept {
  using Traits = TileTraits<S, Weight>;
  S::store_rows(tile.scale[g], scale);
  if constexpr (Traits::kMins && !Weight::kHasMin) {
    S::store_rows(tile.min[g], S::mul(scale, S::rows_set1(Traits::kOffset)));
  }
}

// The same for scale d · factor, where tiles have factors (which are set apart) and one scale.
template <class S, class Weight, class T>
void set_factor(typename S::R factor, typename S::R d, T& tile, int h) noexcept {
  using Traits = TileTraits<S, Weight>;
  if constexpr (!Traits::kFactors) {
    set_scales<S, Weight>(tile, h, S::mul(d, factor));
  } else if constexpr (Traits::kMins && !Weight::kHasMin) {
    S::store_rows(tile.min[h], S::mul(S::mul(d, factor), S::rows_set1(Traits::kOffset)));
  }
}
template <class S, class Weight, class T>
void set_block_scale(typename S::R d, T& tile) noexcept {
  static_assert(!TileTraits<S, Weight>::kFactors || Weight::Block::kValues == kStretchColumns);
  if constexpr (TileTraits<S, Weight>::kFactors) S::store_rows(tile.scale[0], d);
}

// Columns [first, first + 64) of a tile as floats.
template <class S, class Weight>
void to_floats(const Tile& tile, int first, FloatTile& to) noexcept {
  using Traits = TileTraits<S, Weight>;
  for (int v = 0; v < kFloatColumns / 4; ++v) {
    int k = first + 4 * v;
    typename S::R scale = S::load_rows(tile.scale[Traits::kFactors ? 0 : k / Traits::kPart]), below = S::rows_zero();
    if constexpr (Traits::kFactors) {
      scale = S::mul(scale, S::load_factors(tile.factor[k / Traits::kPart]));
      if constexpr (Traits::kCentred) below = S::sub(below, S::mul(scale, S::rows_set1(Traits::kCentre)));
    }
    if constexpr (Traits::kMins) below = S::sub(below, S::load_rows(tile.min[k / Traits::kPart]));
    typename S::P q = S::load_panel(tile.q[k / 4]);
    typename S::R column[4];
    if constexpr (Traits::kSignedBytes) {
      column[0] = S::template widen_signed_column<0>(q);
      column[1] = S::template widen_signed_column<1>(q);
      column[2] = S::template widen_signed_column<2>(q);
      column[3] = S::template widen_signed_column<3>(q);
    } else {
      column[0] = S::template widen_column<0>(q);
      column[1] = S::template widen_column<1>(q);
      column[2] = S::template widen_column<2>(q);
      column[3] = S::template widen_column<3>(q);
    }
    for (int i = 0; i < 4; ++i) S::store_rows(to.w[4 * v + i], S::fma(scale, column[i], below));
  }
}

}  // namespace troika::kernels
