// The weight formats as small parts that the linear kernels are put together from: one struct per format.
//
// A plain format loads eight weights as floats. A block format offers `unpack`, a whole block as floats, and, for
// the integer kernel, `groups`: the block as groups of 32 bytes q with
//     weight = scale[g] * factor * q − min[g],   factor one number for each half of a group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tensor/quant/blocks.h"

namespace troika::kernels {

template <class S>
struct PlainF32 {
  static constexpr int kBytes = 4;
  static typename S::F load(const std::byte* p) noexcept { return S::load(p); }
};

template <class S>
struct PlainF16 {
  static constexpr int kBytes = 2;
  static typename S::F load(const std::byte* p) noexcept { return S::load_f16(p); }
};

template <class S>
struct PlainBf16 {
  static constexpr int kBytes = 2;
  static typename S::F load(const std::byte* p) noexcept { return S::load_bf16(p); }
};

template <class S, int kCount>
struct Groups {
  typename S::B q[kCount];
  typename S::W factor[kCount];
  alignas(32) float scale[kCount];
  alignas(32) float min[kCount];
};

// out = scale * q − min for the 16 bytes of one half of a group.
template <class S, int kHalf>
void unpack_half(typename S::B q, float scale, float min, float* out) noexcept {
  typename S::F s = S::set1(scale), m = S::set1(-min);
  S::store(out + 16 * kHalf, S::fma(s, S::template widen<2 * kHalf>(q), m));
  S::store(out + 16 * kHalf + 8, S::fma(s, S::template widen<2 * kHalf + 1>(q), m));
}

// A block whose factors are all one, as floats.
template <class S, class Weight>
void unpack_groups(const typename Weight::Block& block, float* out) noexcept {
  Groups<S, Weight::kGroups> g;
  Weight::groups(block, g);
  for (int i = 0; i < Weight::kGroups; ++i) {
    float min = Weight::kHasMin ? g.min[i] : 0;
    unpack_half<S, 0>(g.q[i], g.scale[i], min, out + 32 * i);
    unpack_half<S, 1>(g.q[i], g.scale[i], min, out + 32 * i);
  }
}

template <class S>
struct WeightQ8_0 {
  using Block = quant::BlockQ8_0;
  static constexpr int kGroups = 1;
  static constexpr bool kSigned = true, kHasMin = false;
  static void groups(const Block& block, Groups<S, 1>& to) noexcept {
    to.q[0] = S::load_bytes(block.q);
    to.factor[0] = S::pair(1, 1);
    to.scale[0] = S::half(block.d);
  }
  static void unpack(const Block& block, float* out) noexcept { unpack_groups<S, WeightQ8_0>(block, out); }
};

// The levels of a block of 32: weight i in the low nibble of byte i, weight i + 16 in the high one.
template <class S>
typename S::B levels4(const uint8_t (&q)[16]) noexcept {
  typename S::B both = S::load_16_bytes_twice(q);
  return S::mask(S::halves(both, S::template shift_right<4>(both)), 0x0f);
}

// The same with a fifth bit of weight i in bit i of `high`.
template <class S>
typename S::B levels5(const uint8_t (&q)[16], const uint8_t (&high)[4]) noexcept {
  return S::merge(levels4<S>(q), S::mask(S::spread_bits(high), 0x10));
}

template <class S>
struct WeightQ4_0 {
  using Block = quant::BlockQ4_0;
  static constexpr int kGroups = 1;
  static constexpr bool kSigned = true, kHasMin = false;
  static void groups(const Block& block, Groups<S, 1>& to) noexcept {
    to.q[0] = S::minus(levels4<S>(block.q), 8);
    to.factor[0] = S::pair(1, 1);
    to.scale[0] = S::half(block.d);
  }
  static void unpack(const Block& block, float* out) noexcept { unpack_groups<S, WeightQ4_0>(block, out); }
};

template <class S>
struct WeightQ4_1 {
  using Block = quant::BlockQ4_1;
  static constexpr int kGroups = 1;
  static constexpr bool kSigned = false, kHasMin = true;
  static void groups(const Block& block, Groups<S, 1>& to) noexcept {
    to.q[0] = levels4<S>(block.q);
    to.factor[0] = S::pair(1, 1);
    to.scale[0] = S::half(block.d);
    to.min[0] = -S::half(block.m);
  }
  static void unpack(const Block& block, float* out) noexcept { unpack_groups<S, WeightQ4_1>(block, out); }
};

template <class S>
struct WeightQ5_0 {
  using Block = quant::BlockQ5_0;
  static constexpr int kGroups = 1;
  static constexpr bool kSigned = true, kHasMin = false;
  static void groups(const Block& block, Groups<S, 1>& to) noexcept {
    to.q[0] = S::minus(levels5<S>(block.q, block.high), 16);
    to.factor[0] = S::pair(1, 1);
    to.scale[0] = S::half(block.d);
  }
  static void unpack(const Block& block, float* out) noexcept { unpack_groups<S, WeightQ5_0>(block, out); }
};

template <class S>
struct WeightQ5_1 {
  using Block = quant::BlockQ5_1;
  static constexpr int kGroups = 1;
  static constexpr bool kSigned = false, kHasMin = true;
  static void groups(const Block& block, Groups<S, 1>& to) noexcept {
    to.q[0] = levels5<S>(block.q, block.high);
    to.factor[0] = S::pair(1, 1);
    to.scale[0] = S::half(block.d);
    to.min[0] = -S::half(block.m);
  }
  static void unpack(const Block& block, float* out) noexcept { unpack_groups<S, WeightQ5_1>(block, out); }
};

// The lines of Q4_K and Q5_K: four scales or mins of 6 bits at once, a byte each; blocks.h shows where their bits
// lie.
template <class S, class Block>
void load_lines(const Block& block, Groups<S, 8>& to) noexcept {
  for (auto& factor : to.factor) factor = S::pair(1, 1);
  uint32_t word[3];
  std::memcpy(word, block.scales, sizeof word);
  uint64_t scales = word[0] & 0x3f3f3f3f, mins = word[1] & 0x3f3f3f3f;
  scales |= uint64_t{(word[2] & 0x0f0f0f0f) | ((word[0] >> 2) & 0x30303030)} << 32;
  mins |= uint64_t{((word[2] >> 4) & 0x0f0f0f0f) | ((word[1] >> 2) & 0x30303030)} << 32;
  S::store(to.scale, S::mul(S::widen_unsigned(scales), S::set1(S::half(block.d))));
  S::store(to.min, S::mul(S::widen_unsigned(mins), S::set1(S::half(block.dmin))));
}

template <class S>
struct WeightQ4K {
  using Block = quant::BlockQ4K;
  static constexpr int kGroups = 8;
  static constexpr bool kSigned = false, kHasMin = true;
  static void groups(const Block& block, Groups<S, 8>& to) noexcept {
    for (int pair = 0; pair < 4; ++pair) {
      typename S::B both = S::load_bytes(block.q + 32 * pair);
      to.q[2 * pair] = S::mask(both, 0x0f);
      to.q[2 * pair + 1] = S::mask(S::template shift_right<4>(both), 0x0f);
    }
    load_lines<S>(block, to);
  }
  static void unpack(const Block& block, float* out) noexcept { unpack_groups<S, WeightQ4K>(block, out); }
};

template <class S>
struct WeightQ5K {
  using Block = quant::BlockQ5K;
  static constexpr int kGroups = 8;
  static constexpr bool kSigned = false, kHasMin = true;
  static void groups(const Block& block, Groups<S, 8>& to) noexcept {
    typename S::B high = S::load_bytes(block.high);
    two_groups<0>(block, S::template shift_left<4>(S::mask(high, 0x03)), to);
    two_groups<1>(block, S::template shift_left<2>(S::mask(high, 0x0c)), to);
    two_groups<2>(block, high, to);
    two_groups<3>(block, S::template shift_right<2>(S::mask(high, 0xc0)), to);
    load_lines<S>(block, to);
  }
  static void unpack(const Block& block, float* out) noexcept { unpack_groups<S, WeightQ5K>(block, out); }

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
struct WeightQ6K {
  using Block = quant::BlockQ6K;
  static constexpr int kGroups = 8;
  static constexpr bool kSigned = true, kHasMin = false;
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
    float d = S::half(block.d);
    for (int i = 0; i < 8; ++i) {
      to.q[i] = S::minus(to.q[i], 32);
      to.factor[i] = S::pair(block.scales[2 * i], block.scales[2 * i + 1]);
      to.scale[i] = d;
    }
  }
  static void unpack(const Block& block, float* out) noexcept {
    Groups<S, 8> g;
    groups(block, g);
    for (int i = 0; i < 8; ++i) {
      unpack_half<S, 0>(g.q[i], g.scale[i] * block.scales[2 * i], 0, out + 32 * i);
      unpack_half<S, 1>(g.q[i], g.scale[i] * block.scales[2 * i + 1], 0, out + 32 * i);
    }
  }
};

}  // namespace troika::kernels
