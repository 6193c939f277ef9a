// Panels of the formats whose levels come from a table (weights_iq.h). Those of the code books hold no indices into the
// books but what the books' entries say, a level of 2, 3 or 4 bits for each weight: a look-up in a book takes one row
// at a time, one of a level 16 rows × 4 columns. They grow by that; panel.cpp says how much.
#pragma once

#include "kernels/panel_formats.h"

namespace troika::kernels {

// A line of exponents: 2^(e − 128), e − 128 being a signed byte. What is below the normal numbers comes in two factors.
template <class S>
struct PanelMxfp4 {
  using Weight = WeightMxfp4<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    using R = typename S::R;
    store_levels<S>(quants, kFp4Above, tile, v);
    R power = S::load_rows_i8(lines), normal = S::max(power, S::rows_set1(-126)), one = S::rows_set1(1);
    R rest = S::times_power_of_two(one, S::sub(power, normal));
    set_scales<S, Weight>(tile, g, S::mul(S::times_power_of_two(one, normal), rest));
  }
};

template <class S>
struct PanelIQ4XS {
  using Weight = WeightIQ4XS<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    for (int i = 0; i < 8; ++i) store_iq4_levels<S>(quants + 256 * i, tile, v + 8 * i);
    typename S::R d = S::load_rows_f16(lines + 128);
    set_factors<S, Weight>(S::load_panel(lines), d, tile, g);
    set_factors<S, Weight>(S::load_panel(lines + 64), d, tile, g + 4);
  }
};

// Four lines of bytes n, at most 15, as factors 2n + 1.
template <class S, class Weight, class T>
void set_odd_lines(typename S::P lines, typename S::R d, T& tile, int g) noexcept {
  set_factors<S, Weight>(S::plus(S::template shift_left<1>(lines), 1), d, tile, g);
}

// Eight such lines in four, the second four in the high nibbles.
template <class S, class Weight, class T>
void set_odd_nibbles(const std::byte* lines, typename S::R d, T& tile, int g) noexcept {
  typename S::P both = S::load_panel(lines);
  set_odd_lines<S, Weight>(S::mask(both, 0x0f), d, tile, g);
  set_odd_lines<S, Weight>(S::mask(S::template shift_right<4>(both), 0x0f), d, tile, g + 4);
}

// Nibbles: bits 0 … 2 the size, bit 3 the sign. As levels, 62 is 0.
inline constexpr int8_t kIq3Levels[16] = {66, 74, 82, 90, 98, 106, 114, 124, 58, 50, 42, 34, 26, 18, 10, 0};

template <class S>
struct PanelIQ3XXS {
  using Weight = WeightIQ3XXS<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    for (int i = 0; i < 8; ++i) store_levels<S>(quants + 256 * i, kIq3Levels, tile, v + 8 * i);
    typename S::R d = S::mul(S::load_rows_f16(lines + 64), S::rows_set1(0.25f));
    set_odd_nibbles<S, Weight>(lines, d, tile, g);
  }
};

// The nibbles n stand for the odd numbers 2n − 15, as levels 2n.
template <class S>
struct PanelIQ3S {
  using Weight = WeightIQ3S<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    for (int i = 0; i < 8; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        typename S::P both = stream<S>(quants + 64 * (4 * i + j));
        put<S>(tile, v + 8 * i + j, S::mask(S::template shift_left<1>(both), 0x1e));
        put<S>(tile, v + 8 * i + 4 + j, S::mask(S::template shift_right<3>(both), 0x1e));
      }
    }
    set_odd_nibbles<S, Weight>(lines, S::load_rows_f16(lines + 64), tile, g);
  }
};

// Bits 0 and 1 the size, bit 2 the sign. As levels, 43 is 0.
inline constexpr int8_t kIq2Levels[16] = {51, 68, 86, 43, 35, 18, 0, 43, 43, 43, 43, 43, 43, 43, 43, 43};

// A group: two vectors of sizes, of which vector i of the group has bits 2 · (i % 4) and up of the first or second, and
// one of signs, of which it has bit i.
template <class S, class T>
void store_three_sizes(const std::byte* quants, T& tile, int v) noexcept {
  using P = typename S::P;
  P low[4], high[4], signs = stream<S>(quants + 128);
  split_pairs<S>(stream<S>(quants), low);
  split_pairs<S>(stream<S>(quants + 64), high);
  P sign[8] = {S::template shift_left<2>(signs),  S::template shift_left<1>(signs),  signs,
               S::template shift_right<1>(signs), S::template shift_right<2>(signs), S::template shift_right<3>(signs),
               S::template shift_right<4>(signs), S::template shift_right<5>(signs)};
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    P size = i < 4 ? low[i] : high[i - 4];
    put<S>(tile, v + i, S::look_up(kIq2Levels, S::merge(size, S::mask(sign[i], 4))));
  }
}

template <class S>
struct PanelIQ2XXS {
  using Weight = WeightIQ2XXS<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    for (int i = 0; i < 8; ++i) store_three_sizes<S>(quants + 192 * i, tile, v + 8 * i);
    typename S::R d = S::mul(S::load_rows_f16(lines + 64), S::rows_set1(0.125f));
    set_odd_nibbles<S, Weight>(lines, d, tile, g);
  }
};

// IQ2_XS and IQ2_S
template <class S, class HalvesWeight>
struct PanelIQ2Halves {
  using Weight = HalvesWeight;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    for (int i = 0; i < 8; ++i) store_three_sizes<S>(quants + 192 * i, tile, v + 8 * i);
    typename S::R d = S::mul(S::load_rows_f16(lines + 128), S::rows_set1(0.125f));
    set_block_scale<S, Weight>(d, tile);
    set_odd_nibbles<S, Weight>(lines, d, tile, g);
    set_odd_nibbles<S, Weight>(lines + 64, d, tile, g + 8);
  }
};
template <class S>
using PanelIQ2XS = PanelIQ2Halves<S, WeightIQ2XS<S>>;
template <class S>
using PanelIQ2S = PanelIQ2Halves<S, WeightIQ2S<S>>;

// A group: two vectors, of which vector i of the group has bits 2 · (i % 4) and up of the first or second.
// Lines of nibbles: bits 0 … 2 the scale, bit 3 set where the shift is negative.
template <class S>
struct PanelIQ1S {
  using Weight = WeightIQ1S<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    for (int i = 0; i < 16; ++i) {
      typename S::P q[4];
      split_pairs<S>(stream<S>(quants + 64 * i), q);
      for (int j = 0; j < 4; ++j) put<S>(tile, v + 4 * i + j, q[j]);
    }
    typename S::R d = S::load_rows_f16(lines + 64);
    typename S::P both = S::load_panel(lines);
    four_groups(both, d, tile, g);
    four_groups(S::template shift_right<4>(both), d, tile, g + 4);
  }

 private:
  template <class T>
  static void four_groups(typename S::P lines, typename S::R d, T& tile, int g) noexcept {
    set_odd_lines<S, Weight>(S::mask(lines, 7), d, tile, g);
    typename S::P below = S::mask(lines, 8);  // min = scale · (1 − shift): 7/8, or 7/8 + 8/32
    set_min(S::template widen_lines<0>(below), tile, g);
    set_min(S::template widen_lines<1>(below), tile, g + 1);
    set_min(S::template widen_lines<2>(below), tile, g + 2);
    set_min(S::template widen_lines<3>(below), tile, g + 3);
  }
  template <class T>
  static void set_min(typename S::R eight, T& tile, int g) noexcept {
    typename S::R factor = S::fma(eight, S::rows_set1(1.0f / 32), S::rows_set1(0.875f));
    S::store_rows(tile.min[g], S::mul(S::load_rows(tile.scale[g]), factor));
  }
};

// Levels as those of IQ1_S; then a vector of a bit for each run, set where its shift is positive: those of vectors
// i and 8 + i in bit i of bytes 0 and 1, 2 and 3. As the bytes of a tile: eight times the level, and 2 for such a shift.
template <class S>
struct PanelIQ1M {
  using Weight = WeightIQ1M<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    typename S::P shifts = stream<S>(quants + 1024);
    half_block<0>(quants, shifts, tile, v);
    half_block<16>(quants + 512, shifts, tile, v + 32);
    typename S::R d = S::mul(S::load_rows_f16(lines + 128), S::rows_set1(0.125f));
    set_block_scale<S, Weight>(d, tile);
    set_odd_nibbles<S, Weight>(lines, d, tile, g);
    set_odd_nibbles<S, Weight>(lines + 64, d, tile, g + 8);
  }

 private:
  template <int kFirstBit, class T>
  static void half_block(const std::byte* quants, typename S::P shifts, T& tile, int v) noexcept {
    for (int i = 0; i < 8; ++i, shifts = S::template shift_right<1>(shifts)) {
      typename S::P bytes = stream<S>(quants + 64 * i);
      typename S::P first = S::mask(S::template spread_bit<kFirstBit>(shifts), 2);
      typename S::P second = S::mask(S::template spread_bit<kFirstBit + 8>(shifts), 2);
      int at = v + 4 * i;
      put<S>(tile, at + 0, S::merge(S::mask(S::template shift_left<3>(bytes), 0x18), first));
      put<S>(tile, at + 1, S::merge(S::mask(S::template shift_left<1>(bytes), 0x18), first));
      put<S>(tile, at + 2, S::merge(S::mask(S::template shift_right<1>(bytes), 0x18), second));
      put<S>(tile, at + 3, S::merge(S::mask(S::template shift_right<3>(bytes), 0x18), second));
    }
  }
};

}  // namespace troika::kernels
