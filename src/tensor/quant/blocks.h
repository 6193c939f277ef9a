// The blocks of the quantised formats as structs, exactly as they lie in a file: no padding, alignment 1
// or 2. `w` is the weight; d, m and dmin are IEEE halves.
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

}  // namespace troika::quant
