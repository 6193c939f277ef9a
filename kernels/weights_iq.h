// The formats whose levels come from a table: 16 levels (IQ4, MXFP4) or the code books of IQ1, IQ2 and IQ3
// (tensor/quant/iq_tables.h). Either way a block becomes bytes with whole-number factors, as any other.
#pragma once

#include "kernels/weights.h"
#include "tensor/quant/iq_tables.h"

namespace troika::kernels {

template <class S>
struct WeightIQ4NL : WeightTraits {
  using Block = quant::BlockIQ4NL;
  static constexpr int kGroups = 1;
  static void groups(const Block& block, Groups<S, 1>& to) noexcept {
    to.q[0] = S::look_up(quant::kIq4Levels.entry, levels4<S>(block.q));
    to.scale[0] = S::half(block.d);
  }
};

// kFp4Levels, less the lowest.
inline constexpr int8_t kFp4Above[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};

template <class S>
struct WeightMxfp4 : Levels<24, 12> {
  using Block = quant::BlockMxfp4;
  static constexpr int kGroups = 1;
  static void groups(const Block& block, Groups<S, 1>& to) noexcept {
    to.q[0] = S::look_up(kFp4Above, levels4<S>(block.q));
    uint32_t e = block.exponent;  // 2^(e − 128) as a float's bits; 0 and 1 give numbers below the normal ones
    uint32_t bits = e < 2 ? 0x00200000u << e : (e - 1) << 23;
    std::memcpy(to.scale, &bits, sizeof bits);
  }
};

template <class S>
struct WeightIQ4XS : WeightTraits {
  using Block = quant::BlockIQ4XS;
  static constexpr int kGroups = 8;
  static void groups(const Block& block, Groups<S, 8>& to) noexcept {
    float d = S::half(block.d);
    for (int g = 0; g < 8; ++g) {
      to.q[g] = S::look_up(quant::kIq4Levels.entry, levels4<S>(block.q + 16 * g));
      int scale = (block.scales_low[g / 2] >> (g % 2 * 4) & 15) | (block.scales_high >> (2 * g) & 3) << 4;
      to.scale[g] = d * static_cast<float>(scale - 32);
    }
  }
};

// A group of four runs: kOffset + the entries with the signs of `bits`, a byte a run.
template <class S, int kOffset>
typename S::B signed_runs(const uint64_t (&entry)[4], uint32_t bits) noexcept {
  typename S::B sizes = S::from_words(entry[0], entry[1], entry[2], entry[3]);
  return S::plus(S::negate_where(S::spread_bits(bits), sizes), S::all_bytes(kOffset));
}

// Four bytes of 7 sign bits, with the eighth that makes the number of set ones even (kEvenSigns).
template <class S>
uint32_t even_signs(uint32_t bits) noexcept {
  uint32_t folded = bits ^ bits >> 4;  // bit 0 of each byte becomes the parity of the byte
  folded ^= folded >> 2;
  folded ^= folded >> 1;
  return bits | (folded & 0x01010101) << 7;
}

// The signs of a word that holds four times 7 bits.
template <class S>
uint32_t signs_of_word(uint32_t word) noexcept {
  return even_signs<S>((word & 0x7f) | (word << 1 & 0x7f00) | (word << 2 & 0x7f0000) | (word << 3 & 0x7f000000));
}

// The factors 2 · scale + 1 of eight groups, a nibble for each half.
template <class S>
void odd_factors(const uint8_t (&scales)[8], int8_t (&to)[16]) noexcept {
  uint64_t nibbles;
  std::memcpy(&nibbles, scales, sizeof nibbles);
  uint64_t low = (nibbles << 1 & 0x1e * kEachByte) | kEachByte, high = (nibbles >> 3 & 0x1e * kEachByte) | kEachByte;
  for (int g = 0; g < 8; ++g) {
    to[2 * g] = static_cast<int8_t>(low >> (8 * g) & 0xff);
    to[2 * g + 1] = static_cast<int8_t>(high >> (8 * g) & 0xff);
  }
}

template <class S>
struct WeightIQ2XXS : Levels<86, 43> {
  using Block = quant::BlockIQ2XXS;
  static constexpr int kGroups = 8;
  static void groups(const Block& block, Groups<S, 8>& to) noexcept {
    float d = S::half(block.d) / 8;
    for (int g = 0; g < 8; ++g) {
      uint32_t words[2];
      std::memcpy(words, block.words + 4 * g, sizeof words);
      uint64_t entry[4];
      for (int l = 0; l < 4; ++l) entry[l] = quant::kIq2XxsBook.entry[words[0] >> (8 * l) & 255];
      to.q[g] = signed_runs<S, 43>(entry, signs_of_word<S>(words[1]));
      to.scale[g] = d * static_cast<float>(2 * static_cast<int>(words[1] >> 28) + 1);
    }
  }
};

template <class S>
struct WeightIQ2XS : Levels<86, 43> {
  using Block = quant::BlockIQ2XS;
  static constexpr int kGroups = 8;
  static constexpr bool kFactors = true, kHalves = true;
  static void groups(const Block& block, Groups<S, 8>& to) noexcept {
    for (int g = 0; g < 8; ++g) {
      uint64_t q, entry[4];
      std::memcpy(&q, block.q + 4 * g, sizeof q);
      for (int l = 0; l < 4; ++l) entry[l] = quant::kIq2XsBook.entry[q >> (16 * l) & 511];
      uint64_t bits = (q >> 9 & 0x7f) | (q >> 17 & 0x7f00) | (q >> 25 & 0x7f0000) | (q >> 33 & 0x7f000000);
      to.q[g] = signed_runs<S, 43>(entry, even_signs<S>(static_cast<uint32_t>(bits)));
    }
    odd_factors<S>(block.scales, to.factor);
    to.scale[0] = S::half(block.d) / 8;
  }
};

template <class S>
struct WeightIQ2S : Levels<86, 43> {
  using Block = quant::BlockIQ2S;
  static constexpr int kGroups = 8;
  static constexpr bool kFactors = true, kHalves = true;
  static void groups(const Block& block, Groups<S, 8>& to) noexcept {
    for (int g = 0; g < 8; ++g) {
      uint64_t entry[4];
      for (int l = 0; l < 4; ++l) {
        entry[l] = quant::kIq2SBook.entry[block.q[4 * g + l] | (block.high[g] >> (2 * l) & 3) << 8];
      }
      uint32_t signs;
      std::memcpy(&signs, block.signs + 4 * g, sizeof signs);
      to.q[g] = signed_runs<S, 43>(entry, signs);
    }
    odd_factors<S>(block.scales, to.factor);
    to.scale[0] = S::half(block.d) / 8;
  }
};

template <class S>
struct WeightIQ3XXS : Levels<124, 62> {
  using Block = quant::BlockIQ3XXS;
  static constexpr int kGroups = 8;
  static void groups(const Block& block, Groups<S, 8>& to) noexcept {
    float d = S::half(block.d) / 4;
    for (int g = 0; g < 8; ++g) {
      uint64_t entry[4];
      for (int l = 0; l < 4; ++l) {
        const uint8_t* q = block.q + 8 * g + 2 * l;
        entry[l] = quant::kIq3XxsBook.entry[q[0]] | uint64_t{quant::kIq3XxsBook.entry[q[1]]} << 32;
      }
      uint32_t word;
      std::memcpy(&word, block.signs + 2 * g, sizeof word);
      to.q[g] = signed_runs<S, 62>(entry, signs_of_word<S>(word));
      to.scale[g] = d * static_cast<float>(2 * static_cast<int>(word >> 28) + 1);
    }
  }
};

template <class S>
struct WeightIQ3S : Levels<30, 15> {
  using Block = quant::BlockIQ3S;
  static constexpr int kGroups = 8;
  static void groups(const Block& block, Groups<S, 8>& to) noexcept {
    float d = S::half(block.d);
    for (int g = 0; g < 8; ++g) {
      uint64_t entry[4];
      for (int l = 0; l < 4; ++l) {
        const uint8_t* q = block.q + 8 * g + 2 * l;
        int high = block.high[g] >> (2 * l);
        entry[l] = quant::kIq3SBook.entry[q[0] | (high & 1) << 8] |
                   uint64_t{quant::kIq3SBook.entry[q[1] | (high & 2) << 7]} << 32;
      }
      uint32_t signs;
      std::memcpy(&signs, block.signs + 4 * g, sizeof signs);
      to.q[g] = signed_runs<S, 15>(entry, signs);
      to.scale[g] = d * static_cast<float>(2 * (block.scales[g / 2] >> (g % 2 * 4) & 15) + 1);
    }
  }
};

// The levels of four runs of IQ1, whose book is in eighths (-8, 0, 8): 0, 1, 2.
template <class S>
typename S::B ternary_levels(const uint64_t (&entry)[4]) noexcept {
  typename S::B eighths = S::from_words(entry[0], entry[1], entry[2], entry[3]);
  return S::mask(S::template shift_right<3>(S::plus(eighths, S::all_bytes(8))), 3);
}

// The shift, as the middle one of the levels, is in the group's min.
template <class S>
struct WeightIQ1S : Levels<2, 0> {
  using Block = quant::BlockIQ1S;
  static constexpr int kGroups = 8;
  static constexpr bool kHasMin = true;
  static void groups(const Block& block, Groups<S, 8>& to) noexcept {
    float d = S::half(block.d);
    for (int g = 0; g < 8; ++g) {
      int high = block.high[g];
      uint64_t entry[4];
      for (int l = 0; l < 4; ++l) {
        entry[l] = quant::kIq1Book.entry[block.q[4 * g + l] | (high >> (3 * l) & 7) << 8];
      }
      to.q[g] = ternary_levels<S>(entry);
      to.scale[g] = d * static_cast<float>(2 * (high >> 12 & 7) + 1);
      to.min[g] = to.scale[g] * (high & 0x8000 ? 1.125f : 0.875f);
    }
  }
};

// In eighths, the shift included.
template <class S>
struct WeightIQ1M : Levels<18, 9> {
  using Block = quant::BlockIQ1M;
  static constexpr int kGroups = 8;
  static constexpr bool kFactors = true, kHalves = true;
  static void groups(const Block& block, Groups<S, 8>& to) noexcept {
    int half = 0;
    for (int i = 0; i < 4; ++i) half |= block.scales[i] >> 12 << (4 * i);
    for (int g = 0; g < 8; ++g) {
      uint64_t entry[4], shift[4];
      for (int l = 0; l < 4; ++l) {
        int high = block.high[2 * g + l / 2] >> (l % 2 * 4);
        entry[l] = quant::kIq1Book.entry[block.q[4 * g + l] | (high & 7) << 8];
        shift[l] = (high & 8 ? 8 : 10) * kEachByte;  // with the offset
      }
      to.q[g] = S::plus(S::from_words(entry[0], entry[1], entry[2], entry[3]),
                        S::from_words(shift[0], shift[1], shift[2], shift[3]));
      int scales = block.scales[g / 2] >> (g % 2 * 6);
      to.factor[2 * g] = static_cast<int8_t>(2 * (scales & 7) + 1);
      to.factor[2 * g + 1] = static_cast<int8_t>(2 * (scales >> 3 & 7) + 1);
    }
    to.scale[0] = S::half(static_cast<uint16_t>(half)) / 8;
  }
};

}  // namespace troika::kernels
