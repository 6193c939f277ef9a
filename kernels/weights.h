// The weight formats as they lie in the file, as small parts that the linear kernels are put together from: one struct
// per format, the code books and tables of levels in weights_iq.h.
//
// A plain format loads sixteen weights as floats. A block format offers `groups`: a block as groups of 32 bytes q with
//     weight = scale[g] * factor * (q − kOffset) − min[g],   factor a whole number of the group or of each of its halves,
// or, where kHalfMins, min[g] * min_factor, a number of each half.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tensor/quant/blocks.h"

namespace troika::kernels {

template <class S>
struct PlainF32 {
  static constexpr int kBytes = 4;
  static typename S::R load(const std::byte* p) noexcept { return S::load_rows(p); }
  static float one(const std::byte* p) noexcept {
    float x;
    std::memcpy(&x, p, sizeof x);
    return x;
  }
};

template <class S>
struct PlainF16 {
  static constexpr int kBytes = 2;
  static typename S::R load(const std::byte* p) noexcept { return S::load_rows_f16(p); }
  static float one(const std::byte* p) noexcept {
    uint16_t bits;
    std::memcpy(&bits, p, sizeof bits);
    return S::half(bits);
  }
};

template <class S>
struct PlainBf16 {
  static constexpr int kBytes = 2;
  static typename S::R load(const std::byte* p) noexcept { return S::load_rows_bf16(p); }
  static float one(const std::byte* p) noexcept {
    uint16_t bits;
    std::memcpy(&bits, p, sizeof bits);
    uint32_t wide = uint32_t{bits} << 16;
    float x;
    std::memcpy(&x, &wide, sizeof x);
    return x;
  }
};

template <class S, int kCount>
struct Groups {
  typename S::B q[kCount];
  int8_t factor[2 * kCount];  // of each group, or of the halves of each
  int8_t min_factor[2 * kCount];
  alignas(32) float scale[kCount];
  alignas(32) float min[kCount];
};

// What a format's struct says of itself; it changes what differs.
struct WeightTraits {
  static constexpr bool kSigned = true;     // q is signed, from −127; else 0 … kMost, with kOffset taken off
  static constexpr int kMost = 127, kOffset = 0;
  static constexpr bool kFactors = false;   // whole numbers by which scale[0], the block's, is multiplied; else all are 1
  static constexpr bool kHalves = false;    // factors are of halves
  static constexpr bool kHasMin = false;
  static constexpr bool kHalfMins = false;  // as well as kHasMin
};

// Whole numbers 0 … kMost, of which kOffset is taken off.
template <int kLargest, int kLess>
struct Levels : WeightTraits {
  static constexpr bool kSigned = false;
  static constexpr int kMost = kLargest, kOffset = kLess;
};

inline constexpr uint64_t kEachByte = 0x0101010101010101;

// Sixteen factors, byte i of `first` that of half i.
template <class S>
void halves_in_order(uint64_t first, uint64_t second, int8_t (&to)[16]) noexcept {
  std::memcpy(to, &first, 8);
  std::memcpy(to + 8, &second, 8);
}

template <class S>
struct WeightQ8_0 : WeightTraits {
  using Block = quant::BlockQ8_0;
  static constexpr int kGroups = 1;
  static void groups(const Block& block, Groups<S, 1>& to) noexcept {
    to.q[0] = S::load_bytes(block.q);
    to.scale[0] = S::half(block.d);
  }
};

// The levels of a block of 32: weight i in the low nibble of byte i, weight i + 16 in the high one.
template <class S>
typename S::B levels4(const uint8_t* q) noexcept {
  typename S::B both = S::load_16_bytes_twice(q);
  return S::mask(S::halves(both, S::template shift_right<4>(both)), 0x0f);
}

// The same with a fifth bit of weight i in bit i of `high`.
template <class S>
typename S::B levels5(const uint8_t* q, const uint8_t* high) noexcept {
  return S::merge(levels4<S>(q), S::mask(S::spread_bits(high), 0x10));
}

template <class S>
struct WeightQ4_0 : Levels<15, 8> {
  using Block = quant::BlockQ4_0;
  static constexpr int kGroups = 1;
  static void groups(const Block& block, Groups<S, 1>& to) noexcept {
    to.q[0] = levels4<S>(block.q);
    to.scale[0] = S::half(block.d);
  }
};

template <class S>
struct WeightQ4_1 : Levels<15, 0> {
  using Block = quant::BlockQ4_1;
  static constexpr int kGroups = 1;
  static constexpr bool kHasMin = true;
  static void groups(const Block& block, Groups<S, 1>& to) noexcept {
    to.q[0] = levels4<S>(block.q);
    to.scale[0] = S::half(block.d);
    to.min[0] = -S::half(block.m);
  }
};

template <class S>
struct WeightQ5_0 : Levels<31, 16> {
  using Block = quant::BlockQ5_0;
  static constexpr int kGroups = 1;
  static void groups(const Block& block, Groups<S, 1>& to) noexcept {
    to.q[0] = levels5<S>(block.q, block.high);
    to.scale[0] = S::half(block.d);
  }
};

template <class S>
struct WeightQ5_1 : Levels<31, 0> {
  using Block = quant::BlockQ5_1;
  static constexpr int kGroups = 1;
  static constexpr bool kHasMin = true;
  static void groups(const Block& block, Groups<S, 1>& to) noexcept {
    to.q[0] = levels5<S>(block.q, block.high);
    to.scale[0] = S::half(block.d);
    to.min[0] = -S::half(block.m);
  }
};

// The lines of Q4_K and Q5_K: four factors or mins of 6 bits at once, a byte each; blocks.h shows where their bits lie.
template <class S, class Block>
void load_lines(const Block& block, Groups<S, 8>& to) noexcept {
  uint32_t word[3];
  std::memcpy(word, block.scales, sizeof word);
  uint64_t factors = word[0] & 0x3f3f3f3f, mins = word[1] & 0x3f3f3f3f;
  factors |= uint64_t{(word[2] & 0x0f0f0f0f) | ((word[0] >> 2) & 0x30303030)} << 32;
  mins |= uint64_t{((word[2] >> 4) & 0x0f0f0f0f) | ((word[1] >> 2) & 0x30303030)} << 32;
  std::memcpy(to.factor, &factors, sizeof factors);
  to.scale[0] = S::half(block.d);
  S::store(to.min, S::mul(S::widen_unsigned(mins), S::set1(S::half(block.dmin))));
}

template <class S>
struct WeightQ4K : Levels<15, 0> {
  using Block = quant::BlockQ4K;
  static constexpr int kGroups = 8;
  static constexpr bool kFactors = true, kHasMin = true;
  static void groups(const Block& block, Groups<S, 8>& to) noexcept {
    for (int pair = 0; pair < 4; ++pair) {
      typename S::B both = S::load_bytes(block.q + 32 * pair);
      to.q[2 * pair] = S::mask(both, 0x0f);
      to.q[2 * pair + 1] = S::mask(S::template shift_right<4>(both), 0x0f);
    }
    load_lines<S>(block, to);
  }
};

template <class S>
struct WeightQ5K : Levels<31, 0> {
  using Block = quant::BlockQ5K;
  static constexpr int kGroups = 8;
  static constexpr bool kFactors = true, kHasMin = true;
  static void groups(const Block& block, Groups<S, 8>& to) noexcept {
    typename S::B high = S::load_bytes(block.high);
    two_groups<0>(block, S::template shift_left<4>(S::mask(high, 0x03)), to);
    two_groups<1>(block, S::template shift_left<2>(S::mask(high, 0x0c)), to);
    two_groups<2>(block, high, to);
    two_groups<3>(block, S::template shift_right<2>(S::mask(high, 0xc0)), to);
    load_lines<S>(block, to);
  }

 private:
  // high: the first group's fifth bits in bit 4, the second's in bit 5.
  template <int kPair>
  static void two_groups(const Block& block, typename S::B high, Groups<S, 8>& to) noexcept {
    typename S::B both = S::load_bytes(block.q + 32 * kPair);
    typename S::B second = S::template shift_right<1>(S::mask(high, 0x20));
    to.q[2 * kPair] = S::merge(S::mask(both, 0x0f), S::mask(high, 0x10));
    to.q[2 * kPair + 1] = S::merge(S::mask(S::template shift_right<4>(both), 0x0f), second);
  }
};

template <class S>
struct WeightQ6K : Levels<63, 32> {
  using Block = quant::BlockQ6K;
  static constexpr int kGroups = 8;
  static constexpr bool kFactors = true, kHalves = true;
  static void groups(const Block& block, Groups<S, 8>& to) noexcept {
    for (int half = 0; half < 2; ++half) {
      typename S::B low0 = S::load_bytes(block.ql + 64 * half);
      typename S::B low1 = S::load_bytes(block.ql + 64 * half + 32);
      typename S::B high = S::load_bytes(block.qh + 32 * half);
      typename S::B* q = to.q + 4 * half;
      q[0] = S::merge(S::mask(low0, 0x0f), S::template shift_left<4>(S::mask(high, 0x03)));
      q[1] = S::merge(S::mask(low1, 0x0f), S::template shift_left<2>(S::mask(high, 0x0c)));
      q[2] = S::merge(S::mask(S::template shift_right<4>(low0), 0x0f), S::mask(high, 0x30));
      q[3] = S::merge(S::mask(S::template shift_right<4>(low1), 0x0f),
                      S::template shift_right<2>(S::mask(high, 0xc0)));
    }
    std::memcpy(to.factor, block.scales, sizeof to.factor);
    to.scale[0] = S::half(block.d);
  }
};

// The levels of 2 bits that Q2_K, Q3_K and TQ2_0 share.
template <class S>
void levels2(const uint8_t* q, typename S::B (&to)[8]) noexcept {
  for (int half = 0; half < 2; ++half) {
    typename S::B bytes = S::load_bytes(q + 32 * half);
    to[4 * half] = S::mask(bytes, 3);
    to[4 * half + 1] = S::mask(S::template shift_right<2>(bytes), 3);
    to[4 * half + 2] = S::mask(S::template shift_right<4>(bytes), 3);
    to[4 * half + 3] = S::mask(S::template shift_right<6>(bytes), 3);
  }
}

template <class S>
struct WeightQ2K : Levels<3, 0> {
  using Block = quant::BlockQ2K;
  static constexpr int kGroups = 8;
  static constexpr bool kFactors = true, kHalves = true, kHasMin = true, kHalfMins = true;
  static void groups(const Block& block, Groups<S, 8>& to) noexcept {
    levels2<S>(block.q, to.q);
    uint64_t lines[2];
    std::memcpy(lines, block.scales, sizeof lines);
    constexpr uint64_t nibbles = 0x0f0f0f0f0f0f0f0f;
    halves_in_order<S>(lines[0] & nibbles, lines[1] & nibbles, to.factor);
    halves_in_order<S>(lines[0] >> 4 & nibbles, lines[1] >> 4 & nibbles, to.min_factor);
    to.scale[0] = S::half(block.d);
    S::store(to.min, S::set1(S::half(block.dmin)));
  }
};

template <class S>
struct WeightQ3K : Levels<7, 4> {
  using Block = quant::BlockQ3K;
  static constexpr int kGroups = 8;
  static constexpr bool kFactors = true, kHalves = true;
  static void groups(const Block& block, Groups<S, 8>& to) noexcept {
    typename S::B thirds = S::load_bytes(block.high);
    typename S::B third[8] = {S::template shift_left<2>(thirds),  S::template shift_left<1>(thirds),
                              thirds,                             S::template shift_right<1>(thirds),
                              S::template shift_right<2>(thirds), S::template shift_right<3>(thirds),
                              S::template shift_right<4>(thirds), S::template shift_right<5>(thirds)};
    typename S::B low[8];
    levels2<S>(block.q, low);
    for (int g = 0; g < 8; ++g) to.q[g] = S::merge(low[g], S::mask(third[g], 4));
    uint64_t low_bits;  // scales of 6 bits, eight bytes at once; blocks.h shows where their bits lie
    uint32_t high_bits;
    std::memcpy(&low_bits, block.scales, sizeof low_bits);
    std::memcpy(&high_bits, block.scales + 8, sizeof high_bits);
    uint64_t high = high_bits | uint64_t{high_bits >> 2} << 32;
    halves_in_order<S>(six_bits(low_bits, high), six_bits(low_bits >> 4, high >> 4), to.factor);
    to.scale[0] = S::half(block.d);
  }

 private:
  // Eight scales, less 32: what lies above their bits (of bytes, so nothing is borrowed from a neighbour) is masked.
  static uint64_t six_bits(uint64_t low, uint64_t high) noexcept {
    uint64_t scales = (low & 0x0f0f0f0f0f0f0f0f) | (high & 0x0303030303030303) << 4;
    return ((scales | 0x8080808080808080) - 0x2020202020202020) ^ 0x8080808080808080;
  }
};

template <class S>
struct WeightTQ2_0 : Levels<3, 1> {
  using Block = quant::BlockTQ2_0;
  static constexpr int kGroups = 8;
  static void groups(const Block& block, Groups<S, 8>& to) noexcept {
    levels2<S>(block.q, to.q);
    S::store(to.scale, S::set1(S::half(block.d)));
  }
};

template <class S>
struct WeightTQ1_0 : Levels<2, 1> {
  using Block = quant::BlockTQ1_0;
  static constexpr int kGroups = 8;
  static void groups(const Block& block, Groups<S, 8>& to) noexcept {
    typename S::B bytes = S::load_bytes(block.q);
    for (int n = 0; n < 5; ++n, bytes = thrice(bytes)) to.q[n] = digits(bytes);
    typename S::B one = S::load_16_bytes_twice(block.q + 32), nine = thrice(thrice(one));
    to.q[5] = digits(S::halves(one, thrice(one)));
    to.q[6] = digits(S::halves(nine, thrice(nine)));
    uint8_t last[16];  // four bytes, times 1, 3, 9, 27
    for (int i = 0; i < 16; ++i) last[i] = static_cast<uint8_t>(i < 4 ? block.high[i] : 3 * last[i - 4]);
    to.q[7] = digits(S::halves(thrice(thrice(nine)), S::load_16_bytes_twice(last)));
    S::store(to.scale, S::set1(S::half(block.d)));
  }

 private:
  static typename S::B thrice(typename S::B a) noexcept { return S::plus(a, S::plus(a, a)); }
  // What times 3 carries out: (byte ≥ 256/3) + (byte ≥ 512/3). A mask of 0xff is −1.
  static typename S::B digits(typename S::B bytes) noexcept {
    typename S::B carried = S::plus(S::at_least(bytes, 86), S::at_least(bytes, 171));
    return S::negate_where(S::all_bytes(0xff), carried);
  }
};

template <class S>
struct WeightQ1_0 : Levels<2, 1> {
  using Block = quant::BlockQ1_0;
  static constexpr int kGroups = 4;
  static void groups(const Block& block, Groups<S, 4>& to) noexcept {
    float d = S::half(block.d);
    for (int g = 0; g < 4; ++g) {
      to.q[g] = S::mask(S::spread_bits(block.q + 4 * g), 2);
      to.scale[g] = d;
    }
  }
};

template <class S>
struct WeightQ2_0 : Levels<3, 1> {
  using Block = quant::BlockQ2_0;
  static constexpr int kGroups = 2;
  static void groups(const Block& block, Groups<S, 2>& to) noexcept {
    float d = S::half(block.d);
    for (int g = 0; g < 2; ++g) {
      const uint8_t* q = block.q + 8 * g;
      to.q[g] = S::from_words(four_each(q), four_each(q + 2), four_each(q + 4), four_each(q + 6));
      to.scale[g] = d;
    }
  }

 private:
  // The levels of two bytes, a byte each. Bits 7..0 of a byte, as written in groups of two, go
  //   33221100 → ······33 ······22 ······11 ······00
  static uint64_t four_each(const uint8_t* two) noexcept {
    uint64_t bits = two[0] | uint64_t{two[1]} << 32;
    return (bits | bits << 6 | bits << 12 | bits << 18) & 0x0303030303030303;
  }
};

}  // namespace troika::kernels
