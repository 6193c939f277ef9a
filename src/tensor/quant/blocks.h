// The blocks of the quantised formats as structs, exactly as they lie in a file: no padding, alignment 1
// or 2. `w` is the weight; d, m and dmin are IEEE halves. "Split nibbles": byte j of 16 holds weight j in its low
// nibble and weight j + 16 in its high one.
#pragma once

#include <cstdint>

namespace troika::quant {

// 32 weights, w = d * q.
struct BlockQ8_0 {
  static constexpr int kValues = 32;
  uint16_t d;
  int8_t q[32];
};
static_assert(sizeof(BlockQ8_0) == 34);

// 32 weights, w = d * (q - 8). Byte j holds weight j in its low nibble and weight j + 16 in its high one.
struct BlockQ4_0 {
  static constexpr int kValues = 32;
  uint16_t d;
  uint8_t q[16];
};
static_assert(sizeof(BlockQ4_0) == 18);

// 32 weights, w = d * q + m. Nibbles as in Q4_0.
struct BlockQ4_1 {
  static constexpr int kValues = 32;
  uint16_t d;
  uint16_t m;
  uint8_t q[16];
};
static_assert(sizeof(BlockQ4_1) == 20);

// 32 weights, w = d * (q - 16), q of 5 bits: the lower four as in Q4_0, the fifth of weight i in bit i % 8 of
// high[i / 8].
struct BlockQ5_0 {
  static constexpr int kValues = 32;
  uint16_t d;
  uint8_t high[4];
  uint8_t q[16];
};
static_assert(sizeof(BlockQ5_0) == 22);

// 32 weights, w = d * q + m. Bits as in Q5_0.
struct BlockQ5_1 {
  static constexpr int kValues = 32;
  uint16_t d;
  uint16_t m;
  uint8_t high[4];
  uint8_t q[16];
};
static_assert(sizeof(BlockQ5_1) == 24);

// 32 weights, w = d * kIq4Levels[q] (iq_tables.h). Split nibbles.
struct BlockIQ4NL {
  static constexpr int kValues = 32;
  uint16_t d;
  uint8_t q[16];
};
static_assert(sizeof(BlockIQ4NL) == 18);

// 32 weights, w = 2^(exponent - 128) * kFp4Levels[q] (iq_tables.h). Split nibbles.
struct BlockMxfp4 {
  static constexpr int kValues = 32;
  uint8_t exponent;
  uint8_t q[16];
};
static_assert(sizeof(BlockMxfp4) == 17);

// 128 weights, w = d where bit i % 8 of q[i / 8] is set, else -d.
struct BlockQ1_0 {
  static constexpr int kValues = 128;
  uint16_t d;
  uint8_t q[16];
};
static_assert(sizeof(BlockQ1_0) == 18);

// 64 weights, w = d * (q - 1), q of 2 bits: bits 2 * (i % 4) and up of q[i / 4].
struct BlockQ2_0 {
  static constexpr int kValues = 64;
  uint16_t d;
  uint8_t q[16];
};
static_assert(sizeof(BlockQ2_0) == 18);

// 256 weights in 16 groups of 16, w = d * scale * q - dmin * min, q of 2 bits; scale in the low nibble of
// scales[group], min in the high one. Weight 128h + 32j + l is in bits 2j, 2j+1 of q[32h + l].
struct BlockQ2K {
  static constexpr int kValues = 256;
  uint8_t scales[16];
  uint8_t q[64];
  uint16_t d;
  uint16_t dmin;
};
static_assert(sizeof(BlockQ2K) == 84);

// 256 weights in 16 groups of 16, w = d * (scale - 32) * (q - 4), q of 3 bits: the lower two as in Q2_K, the third
// of weight 32i + l in bit i of high[l]. Scales of 6 bits, bits 7..0 of the 12 bytes:
//   byte 0..7    scale[8+i] bits 3-0 | scale[i] bits 3-0
//   byte 8..11   scale[12+i] bits 5,4 | scale[8+i] bits 5,4 | scale[4+i] bits 5,4 | scale[i] bits 5,4
struct BlockQ3K {
  static constexpr int kValues = 256;
  uint8_t high[32];
  uint8_t q[64];
  uint8_t scales[12];
  uint16_t d;
};
static_assert(sizeof(BlockQ3K) == 110);

// 256 weights in 8 groups of 32, w = d * scale * q - dmin * min, q of 4 bits, scale and min of 6 bits.
// q: bytes 32c .. 32c+31 hold group 2c in their low nibbles and group 2c+1 in their high ones.
// scales, bits 7..0 of the 12 bytes:
//   byte 0..3    scale[4+i] bits 5,4 | scale[i] (6 bits)
//   byte 4..7    min[4+i]   bits 5,4 | min[i]   (6 bits)
//   byte 8..11   min[4+i]   bits 3-0 | scale[4+i] bits 3-0
struct BlockQ4K {
  static constexpr int kValues = 256;
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t q[128];
};
static_assert(sizeof(BlockQ4K) == 144);

// As Q4_K with q of 5 bits: the fifth of weight l of group g is bit g of high[l].
struct BlockQ5K {
  static constexpr int kValues = 256;
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t high[32];
  uint8_t q[128];
};
static_assert(sizeof(BlockQ5K) == 176);

// 256 weights in 16 groups of 16, w = d * scale * (q - 32), q of 6 bits. Two halves h of 128 weights; for l
// in 0..31:
//   weight 128h + l       low nibble of  ql[64h + l]      | bits 1,0 of qh[32h + l] << 4
//   weight 128h + l + 32  low nibble of  ql[64h + l + 32] | bits 3,2
//   weight 128h + l + 64  high nibble of ql[64h + l]      | bits 5,4
//   weight 128h + l + 96  high nibble of ql[64h + l + 32] | bits 7,6
struct BlockQ6K {
  static constexpr int kValues = 256;
  uint8_t ql[128];
  uint8_t qh[64];
  int8_t scales[16];
  uint16_t d;
};
static_assert(sizeof(BlockQ6K) == 210);

// 256 weights in 8 groups of 32, w = d * (scale - 32) * kIq4Levels[q]. Each group's 16 bytes hold split nibbles.
// scale[i] of 6 bits: nibble i of scales_low, and bits 2i, 2i+1 of scales_high.
struct BlockIQ4XS {
  static constexpr int kValues = 256;
  uint16_t d;
  uint16_t scales_high;
  uint8_t scales_low[4];
  uint8_t q[128];
};
static_assert(sizeof(BlockIQ4XS) == 136);

// The code-book formats: 256 weights in 8 groups of 32, each group four runs of 8. A run of IQ1 and IQ2 is one entry
// of the book, a run of IQ3 two; iq_tables.h has the books. A sign bit j of a run (set: negative) belongs to its
// weight j; 7 sign bits get their eighth from kEvenSigns.

// w = d * (2 * scale + 1) / 8 * entry. Group g has words[4g] to [4g+3]: the first two are four indices of 8 bits,
// the others, as 32 bits, four times 7 signs, the first lowest, and the scale in the top 4.
struct BlockIQ2XXS {
  static constexpr int kValues = 256;
  uint16_t d;
  uint16_t words[32];
};
static_assert(sizeof(BlockIQ2XXS) == 66);

// w = d * (2 * scale + 1) / 8 * entry. q[run]: index in bits 0-8, 7 signs above. scales[group]: low nibble for runs
// 0 and 1, high nibble for 2 and 3.
struct BlockIQ2XS {
  static constexpr int kValues = 256;
  uint16_t d;
  uint16_t q[32];
  uint8_t scales[8];
};
static_assert(sizeof(BlockIQ2XS) == 74);

// As IQ2_XS, with a byte of signs a run, and indices of 10 bits: q[run], above it bits 2l, 2l+1 of high[group] for
// run l of the group.
struct BlockIQ2S {
  static constexpr int kValues = 256;
  uint16_t d;
  uint8_t q[32];
  uint8_t signs[32];
  uint8_t high[8];
  uint8_t scales[8];
};
static_assert(sizeof(BlockIQ2S) == 82);

// w = d * (2 * scale + 1) / 4 * entry. q: two indices a run. signs[2g], [2g+1]: signs and scale as in IQ2_XXS.
struct BlockIQ3XXS {
  static constexpr int kValues = 256;
  uint16_t d;
  uint8_t q[64];
  uint16_t signs[16];
};
static_assert(sizeof(BlockIQ3XXS) == 98);

// w = d * (2 * scale + 1) * entry. Indices of 9 bits: q[i], above it bit i % 8 of high[i / 8]. A byte of signs a run.
// scales: nibble g for group g.
struct BlockIQ3S {
  static constexpr int kValues = 256;
  uint16_t d;
  uint8_t q[64];
  uint8_t high[8];
  uint8_t signs[32];
  uint8_t scales[4];
};
static_assert(sizeof(BlockIQ3S) == 110);

// w = d * (2 * scale + 1) * (entry / 8 + shift), shift = 1/8 or, where bit 15 of high[group] is set, -1/8. scale in
// its bits 12-14. Indices of 11 bits: q[run], above it bits 3l to 3l+2 of high[group] for run l.
struct BlockIQ1S {
  static constexpr int kValues = 256;
  uint16_t d;
  uint8_t q[32];
  uint16_t high[8];
};
static_assert(sizeof(BlockIQ1S) == 50);

// As IQ1_S, but each run has its own shift and each half of a group its own scale. high: a nibble a run, bits 0-2
// above its index, bit 3 its shift's sign. scales[i], bits 15..0:
//   nibble i of d | scale of the halves 3, 2, 1, 0 of groups 2i and 2i+1, 3 bits each
struct BlockIQ1M {
  static constexpr int kValues = 256;
  uint8_t q[32];
  uint8_t high[16];
  uint16_t scales[4];
};
static_assert(sizeof(BlockIQ1M) == 56);

// 256 weights, w = d * (digit - 1). A byte holds digits in base 3 as a fraction of 256: times 3^n (mod 256) digit n
// is what the next factor of 3 carries out. Weights 32n + l are digit n of q[l], l < 32, n < 5; weights
// 160 + 16n + l of q[32 + l], l < 16, n < 5; weights 240 + 4n + l of high[l], l < 4, n < 4.
struct BlockTQ1_0 {
  static constexpr int kValues = 256;
  uint8_t q[48];
  uint8_t high[4];
  uint16_t d;
};
static_assert(sizeof(BlockTQ1_0) == 54);

// 256 weights, w = d * (q - 1), q of 2 bits, where those of Q2_K lie.
struct BlockTQ2_0 {
  static constexpr int kValues = 256;
  uint8_t q[64];
  uint16_t d;
};
static_assert(sizeof(BlockTQ2_0) == 66);

}  // namespace troika::quant
