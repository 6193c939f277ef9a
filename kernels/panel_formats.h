// From panels (panel.cpp says how each format's blocks are interleaved) to tiles. One struct per format: `block` fills
// the part of a tile that one block of the 16 rows covers, from vector `v` and group `g` on. Where up to kTokensAtOnce
// tokens are multiplied without a tile (linear.h), `lines` does all but its vectors, and vector<n>(quants, run, i) is
// vector i of group run * kAlike + n, quants being those of the stretch.
#pragma once

#include "kernels/tile.h"
#include "kernels/weights_iq.h"

namespace troika::kernels {

// What formats of one half a block of 32, its scale, have in common.
template <class S, class WeightOf>
struct OneScale {
  using Weight = WeightOf;
  static constexpr int kTokensAtOnce = 12, kAlike = 1;
  template <class T>
  static void lines(const std::byte* at, T& tile, int g) noexcept {
    set_scales<S, Weight>(tile, g, S::load_rows_f16(at));
  }
};

template <class S>
struct PanelQ8_0 : OneScale<S, WeightQ8_0<S>> {
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) put<S>(tile, v + i, S::offset_signed(stream<S, kAheadAlone>(quants + 64 * i)));
    PanelQ8_0::lines(lines, tile, g);
  }
  template <int>
  static typename S::P vector(const std::byte* quants, int run, int i) noexcept {
    return S::offset_signed(S::load_panel(quants + 64 * (8 * run + i)));
  }
};

template <class S>
typename S::P nibbles(typename S::P both, bool high) noexcept {
  return S::mask(high ? S::template shift_right<4>(both) : both, 0x0f);
}

// Vectors 0 … 3 in the low nibbles, 4 … 7 in the high ones.
template <class S>
void split_nibbles(const std::byte* quants, typename S::P (&to)[8]) noexcept {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    typename S::P both = stream<S>(quants + 64 * i);
    to[i] = nibbles<S>(both, false);
    to[4 + i] = nibbles<S>(both, true);
  }
}

template <class S, class T>
void store_vectors(const typename S::P (&from)[8], T& tile, int v) noexcept {
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) put<S>(tile, v + i, from[i]);
}

template <class S, class T>
void store_nibbles(const std::byte* quants, T& tile, int v) noexcept {
  typename S::P q[8];
  split_nibbles<S>(quants, q);
  store_vectors<S>(q, tile, v);
}

// Nibbles as numbers of a table's levels.
template <class S, class T>
void store_levels(const std::byte* quants, const int8_t* levels, T& tile, int v) noexcept {
  typename S::P q[8];
  split_nibbles<S>(quants, q);
#pragma GCC unroll 8
  for (auto& level : q) level = S::look_up(levels, level);
  store_vectors<S>(q, tile, v);
}

// The same with signed levels of the full range.
template <class S, class T>
void store_iq4_levels(const std::byte* quants, T& tile, int v) noexcept {
  typename S::P q[8];
  split_nibbles<S>(quants, q);
#pragma GCC unroll 8
  for (auto& level : q) level = S::offset_signed(S::look_up(quant::kIq4Levels.entry, level));
  store_vectors<S>(q, tile, v);
}

template <class S>
struct PanelQ4_0 : OneScale<S, WeightQ4_0<S>> {
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    store_nibbles<S>(quants, tile, v);
    PanelQ4_0::lines(lines, tile, g);
  }
  template <int>
  static typename S::P vector(const std::byte* quants, int run, int i) noexcept {
    return nibbles<S>(S::load_panel(quants + 64 * (4 * run + i % 4)), i >= 4);
  }
};

// d, then m, which is added.
template <class S, class Weight, class T>
void set_scale_and_min(const std::byte* lines, T& tile, int g) noexcept {
  set_scales<S, Weight>(tile, g, S::load_rows_f16(lines));
  S::store_rows(tile.min[g], S::sub(S::rows_zero(), S::load_rows_f16(lines + 32)));
}

template <class S>
struct PanelQ4_1 {
  using Weight = WeightQ4_1<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    store_nibbles<S>(quants, tile, v);
    set_scale_and_min<S, Weight>(lines, tile, g);
  }
};

template <class S>
struct PanelIQ4NL {
  using Weight = WeightIQ4NL<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    store_iq4_levels<S>(quants, tile, v);
    set_scales<S, Weight>(tile, g, S::load_rows_f16(lines));
  }
};

// Bit j of each byte of `high` belongs to vector j; it comes to bit 4.
template <class S>
void merge_fifths(typename S::P high, typename S::P (&q)[8]) noexcept {
  q[0] = S::merge(q[0], S::mask(S::template shift_left<4>(high), 0x10));
  q[1] = S::merge(q[1], S::mask(S::template shift_left<3>(high), 0x10));
  q[2] = S::merge(q[2], S::mask(S::template shift_left<2>(high), 0x10));
  q[3] = S::merge(q[3], S::mask(S::template shift_left<1>(high), 0x10));
  q[4] = S::merge(q[4], S::mask(high, 0x10));
  q[5] = S::merge(q[5], S::mask(S::template shift_right<1>(high), 0x10));
  q[6] = S::merge(q[6], S::mask(S::template shift_right<2>(high), 0x10));
  q[7] = S::merge(q[7], S::mask(S::template shift_right<3>(high), 0x10));
}

template <class S, class T>
void store_fives(const std::byte* quants, T& tile, int v) noexcept {
  typename S::P q[8];
  split_nibbles<S>(quants, q);
  merge_fifths<S>(stream<S>(quants + 256), q);
  store_vectors<S>(q, tile, v);
}

template <class S>
struct PanelQ5_0 {
  using Weight = WeightQ5_0<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    store_fives<S>(quants, tile, v);
    set_scales<S, Weight>(tile, g, S::load_rows_f16(lines));
  }
};

template <class S>
struct PanelQ5_1 {
  using Weight = WeightQ5_1<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    store_fives<S>(quants, tile, v);
    set_scale_and_min<S, Weight>(lines, tile, g);
  }
};

// Four lines of bytes as mins, each times dmin.
template <class S>
void store_mins(typename S::P lines, typename S::R dmin, float (*to)[kPanelRows]) noexcept {
  S::store_rows(to[0], S::mul(dmin, S::template widen_lines<0>(lines)));
  S::store_rows(to[1], S::mul(dmin, S::template widen_lines<1>(lines)));
  S::store_rows(to[2], S::mul(dmin, S::template widen_lines<2>(lines)));
  S::store_rows(to[3], S::mul(dmin, S::template widen_lines<3>(lines)));
}

// Four lines of signed bytes as factors of d, from group or half `h` on; as scales where tiles have no factors.
template <class S, class Weight, class T>
void set_factors(typename S::P lines, typename S::R d, T& tile, int h) noexcept {
  if constexpr (TileTraits<S, Weight>::kFactors) put_factors<S>(tile, h, lines);
  set_factor<S, Weight>(S::template widen_signed_lines<0>(lines), d, tile, h);
  set_factor<S, Weight>(S::template widen_signed_lines<1>(lines), d, tile, h + 1);
  set_factor<S, Weight>(S::template widen_signed_lines<2>(lines), d, tile, h + 2);
  set_factor<S, Weight>(S::template widen_signed_lines<3>(lines), d, tile, h + 3);
}

// The lines of Q4_K and Q5_K: blocks.h shows where the six bits of a factor or a min lie.
template <class S, class Weight, class T>
void store_k_lines(const std::byte* lines, T& tile, int g) noexcept {
  typename S::P word[3] = {S::load_panel(lines), S::load_panel(lines + 64), S::load_panel(lines + 128)};
  typename S::R d = S::load_rows_f16(lines + 192), dmin = S::load_rows_f16(lines + 224);
  set_block_scale<S, Weight>(d, tile);
  set_factors<S, Weight>(S::mask(word[0], 0x3f), d, tile, g);
  store_mins<S>(S::mask(word[1], 0x3f), dmin, tile.min + g);
  typename S::P factors = S::merge(S::mask(word[2], 0x0f), S::mask(S::template shift_right<2>(word[0]), 0x30));
  typename S::P mins = S::merge(S::mask(S::template shift_right<4>(word[2]), 0x0f),
                                S::mask(S::template shift_right<2>(word[1]), 0x30));
  set_factors<S, Weight>(factors, d, tile, g + 4);
  store_mins<S>(mins, dmin, tile.min + g + 4);
}

template <class S>
struct PanelQ4K {
  using Weight = WeightQ4K<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
#pragma GCC unroll 4
    for (int pair = 0; pair < 4; ++pair) {
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) {
        typename S::P both = stream<S>(quants + 64 * (8 * pair + i));
        put<S>(tile, v + 16 * pair + i, nibbles<S>(both, false));
        put<S>(tile, v + 16 * pair + 8 + i, nibbles<S>(both, true));
      }
    }
    PanelQ4K::lines(lines, tile, g);
  }
  template <class T>
  static void lines(const std::byte* at, T& tile, int g) noexcept { store_k_lines<S, Weight>(at, tile, g); }
  static constexpr int kTokensAtOnce = 12, kAlike = 2;
  template <int kGroup>
  static typename S::P vector(const std::byte* quants, int run, int i) noexcept {
    return nibbles<S>(S::load_panel(quants + 64 * (8 * run + i)), kGroup == 1);
  }
};

template <class S>
struct PanelQ5K {
  using Weight = WeightQ5K<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    for (int i = 0; i < 8; ++i) {
      typename S::P high = stream<S>(quants + 64 * (32 + i));  // bit n: group n
      two_groups<0>(quants, i, S::template shift_left<4>(S::mask(high, 0x03)), tile, v);
      two_groups<1>(quants, i, S::template shift_left<2>(S::mask(high, 0x0c)), tile, v);
      two_groups<2>(quants, i, high, tile, v);
      two_groups<3>(quants, i, S::template shift_right<2>(S::mask(high, 0xc0)), tile, v);
    }
    PanelQ5K::lines(lines, tile, g);
  }
  template <class T>
  static void lines(const std::byte* at, T& tile, int g) noexcept { store_k_lines<S, Weight>(at, tile, g); }
  static constexpr int kTokensAtOnce = 8, kAlike = 8;
  template <int kGroup>
  static typename S::P vector(const std::byte* quants, int, int i) noexcept {
    typename S::P fifth = S::load_panel(quants + 64 * (32 + i));
    if constexpr (kGroup < 4) fifth = S::template shift_left<4 - kGroup>(fifth);
    if constexpr (kGroup > 4) fifth = S::template shift_right<kGroup - 4>(fifth);
    typename S::P both = S::load_panel(quants + 64 * (8 * (kGroup / 2) + i));
    return S::merge(nibbles<S>(both, kGroup % 2 == 1), S::mask(fifth, 0x10));
  }

 private:
  // high: the first group's fifth bits in bit 4, the second's in bit 5.
  template <int kPair, class T>
  static void two_groups(const std::byte* quants, int i, typename S::P high, T& tile, int v) noexcept {
    typename S::P both = stream<S>(quants + 64 * (8 * kPair + i));
    typename S::P second = S::template shift_right<1>(S::mask(high, 0x20));
    put<S>(tile, v + 16 * kPair + i, S::merge(S::mask(both, 0x0f), S::mask(high, 0x10)));
    put<S>(tile, v + 16 * kPair + 8 + i,
                   S::merge(S::mask(S::template shift_right<4>(both), 0x0f), second));
  }
};

template <class S>
struct PanelQ6K {
  using Weight = WeightQ6K<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    for (int half = 0; half < 2; ++half) {
      const std::byte *low = quants + 64 * 16 * half, *high = quants + 64 * (32 + 8 * half);
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) {
        typename S::P low0 = stream<S>(low + 64 * i), low1 = stream<S>(low + 64 * (8 + i));
        typename S::P two = stream<S>(high + 64 * i);
        int at = v + 32 * half + i;
        put<S>(tile, at + 0, S::merge(S::mask(low0, 0x0f), S::template shift_left<4>(S::mask(two, 0x03))));
        put<S>(tile, at + 8, S::merge(S::mask(low1, 0x0f), S::template shift_left<2>(S::mask(two, 0x0c))));
        put<S>(tile, at + 16, S::merge(S::mask(S::template shift_right<4>(low0), 0x0f), S::mask(two, 0x30)));
        put<S>(tile, at + 24, S::merge(S::mask(S::template shift_right<4>(low1), 0x0f),
                                       S::template shift_right<2>(S::mask(two, 0xc0))));
      }
    }
    PanelQ6K::lines(lines, tile, g);
  }
  template <class T>
  static void lines(const std::byte* at, T& tile, int g) noexcept {
    typename S::R d = S::load_rows_f16(at + 256);
    set_block_scale<S, Weight>(d, tile);
    for (int i = 0; i < 4; ++i) set_factors<S, Weight>(S::load_panel(at + 64 * i), d, tile, g + 4 * i);
  }
  static constexpr int kTokensAtOnce = 8, kAlike = 4;
  template <int kGroup>
  static typename S::P vector(const std::byte* quants, int run, int i) noexcept {
    typename S::P low = nibbles<S>(S::load_panel(quants + 64 * (16 * run + kGroup % 2 * 8 + i)), kGroup >= 2);
    typename S::P two = S::mask(S::load_panel(quants + 64 * (32 + 8 * run + i)), 0x03 << (2 * kGroup));
    if constexpr (kGroup < 2) two = S::template shift_left<4 - 2 * kGroup>(two);
    if constexpr (kGroup > 2) two = S::template shift_right<2>(two);
    return S::merge(low, two);
  }
};

// The levels of 2 bits of half a block, which begins at `quants`: group j in bits 2j and 2j + 1.
template <class S>
void split_pairs(typename S::P bytes, typename S::P (&to)[4]) noexcept {
  to[0] = S::mask(bytes, 3);
  to[1] = S::mask(S::template shift_right<2>(bytes), 3);
  to[2] = S::mask(S::template shift_right<4>(bytes), 3);
  to[3] = S::mask(S::template shift_right<6>(bytes), 3);
}

// Q2_K's order.
template <class S, class T>
void store_pairs(const std::byte* quants, T& tile, int v) noexcept {
  for (int i = 0; i < 16; ++i) {
    typename S::P q[4];
    split_pairs<S>(stream<S>(quants + 64 * i), q);
    for (int j = 0; j < 4; ++j) put<S>(tile, v + i / 8 * 32 + 8 * j + i % 8, q[j]);
  }
}

template <class S>
struct PanelQ2K {
  using Weight = WeightQ2K<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    store_pairs<S>(quants, tile, v);
    typename S::R d = S::load_rows_f16(lines + 256), dmin = S::load_rows_f16(lines + 288);
    set_block_scale<S, Weight>(d, tile);
    for (int i = 0; i < 4; ++i) {
      typename S::P both = S::load_panel(lines + 64 * i);
      set_factors<S, Weight>(S::mask(both, 0x0f), d, tile, g + 4 * i);
      store_mins<S>(S::mask(S::template shift_right<4>(both), 0x0f), dmin, tile.min + g + 4 * i);
    }
  }
};

template <class S>
struct PanelQ3K {
  using Weight = WeightQ3K<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    for (int i = 0; i < 8; ++i) {
      typename S::P third = stream<S>(quants + 64 * (16 + i));  // bit n: group n
      typename S::P low[4], high[4];
      split_pairs<S>(stream<S>(quants + 64 * i), low);
      split_pairs<S>(stream<S>(quants + 64 * (8 + i)), high);
      int at = v + i;
      put<S>(tile, at + 0, S::merge(low[0], S::mask(S::template shift_left<2>(third), 4)));
      put<S>(tile, at + 8, S::merge(low[1], S::mask(S::template shift_left<1>(third), 4)));
      put<S>(tile, at + 16, S::merge(low[2], S::mask(third, 4)));
      put<S>(tile, at + 24, S::merge(low[3], S::mask(S::template shift_right<1>(third), 4)));
      put<S>(tile, at + 32, S::merge(high[0], S::mask(S::template shift_right<2>(third), 4)));
      put<S>(tile, at + 40, S::merge(high[1], S::mask(S::template shift_right<3>(third), 4)));
      put<S>(tile, at + 48, S::merge(high[2], S::mask(S::template shift_right<4>(third), 4)));
      put<S>(tile, at + 56, S::merge(high[3], S::mask(S::template shift_right<5>(third), 4)));
    }
    typename S::P word[3] = {S::load_panel(lines), S::load_panel(lines + 64), S::load_panel(lines + 128)};
    typename S::R d = S::load_rows_f16(lines + 192);
    using P = typename S::P;
    P low0 = S::mask(word[0], 0x0f), low1 = S::mask(word[1], 0x0f);
    P high0 = S::mask(S::template shift_right<4>(word[0]), 0x0f);
    P high1 = S::mask(S::template shift_right<4>(word[1]), 0x0f);
    set_block_scale<S, Weight>(d, tile);
    auto less_32 = [&](P six_bits, int h) { set_factors<S, Weight>(S::plus(six_bits, -32), d, tile, h); };
    less_32(S::merge(low0, S::template shift_left<4>(S::mask(word[2], 0x03))), g);
    less_32(S::merge(low1, S::template shift_left<2>(S::mask(word[2], 0x0c))), g + 4);
    less_32(S::merge(high0, S::mask(word[2], 0x30)), g + 8);
    less_32(S::merge(high1, S::template shift_right<2>(S::mask(word[2], 0xc0))), g + 12);
  }
};

// TQ2_0, and TQ1_0, which takes its form.
template <class S, class TernaryWeight>
struct PanelTernary {
  using Weight = TernaryWeight;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
    store_pairs<S>(quants, tile, v);
    for (int i = 0; i < 8; ++i) set_scales<S, Weight>(tile, g + i, S::load_rows_f16(lines));
  }
};
template <class S>
using PanelTQ2_0 = PanelTernary<S, WeightTQ2_0<S>>;
template <class S>
using PanelTQ1_0 = PanelTernary<S, WeightTQ1_0<S>>;

// Bits 2j and 2j + 1 of vector i belong to vector 4j + i.
template <class S>
struct PanelQ2_0 {
  using Weight = WeightQ2_0<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      typename S::P q[4];
      split_pairs<S>(stream<S>(quants + 64 * i), q);
      for (int j = 0; j < 4; ++j) put<S>(tile, v + 4 * j + i, q[j]);
    }
    for (int i = 0; i < 2; ++i) set_scales<S, Weight>(tile, g + i, S::load_rows_f16(lines));
  }
};

// Bit j of vector i belongs to vector 4j + i; as a level it is 2.
template <class S>
struct PanelQ1_0 {
  using Weight = WeightQ1_0<S>;
  template <class T>
  static void block(const std::byte* quants, const std::byte* lines, T& tile, int v, int g) noexcept {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      typename S::P bits = stream<S>(quants + 64 * i);
      put<S>(tile, v + i, S::mask(S::template shift_left<1>(bits), 2));
      put<S>(tile, v + 4 + i, S::mask(bits, 2));
      put<S>(tile, v + 8 + i, S::mask(S::template shift_right<1>(bits), 2));
      put<S>(tile, v + 12 + i, S::mask(S::template shift_right<2>(bits), 2));
      put<S>(tile, v + 16 + i, S::mask(S::template shift_right<3>(bits), 2));
      put<S>(tile, v + 20 + i, S::mask(S::template shift_right<4>(bits), 2));
      put<S>(tile, v + 24 + i, S::mask(S::template shift_right<5>(bits), 2));
      put<S>(tile, v + 28 + i, S::mask(S::template shift_right<6>(bits), 2));
    }
    for (int i = 0; i < 4; ++i) set_scales<S, Weight>(tile, g + i, S::load_rows_f16(lines));
  }
};

}  // namespace troika::kernels
