// Weights of 4 bits to int8: (q − zero) · scale, where the 64 k of a tile share zero and scale of a column. Whoever made
// them saw to it that every result lies within −127 to 127, so nothing is lost.
//
//   packed   scales int8 [n] | zeros uint8 [n] | q [n/8, k/8, 8, 8], two to a byte, the first in the low half
//   b        int8 [n/8, k/8, 8, 8]
#include "npu/kernels/kernels.h"

#include <aie_api/aie.hpp>

// Eight bytes, eight times: for the eight rows of a block.
static inline aie::vector<int8_t, 64> for_all_rows(const uint8_t* eight) {
  const int32_t* halves = reinterpret_cast<const int32_t*>(eight);
  const auto low = aie::broadcast<int32_t, 16>(halves[0]), high = aie::broadcast<int32_t, 16>(halves[1]);
  return aie::interleave_zip(low, high, 1).first.cast_to<int8_t>();
}

template <int k, int n>
static inline void dequant_w4(const uint8_t* __restrict packed, int8_t* __restrict b) {
  const uint8_t* __restrict scales = packed;
  const uint8_t* __restrict zeros = packed + n;
  const uint8_t* __restrict q = packed + 2 * n;
  for (int column = 0; column < n; column += 8) {
    const auto scale = for_all_rows(scales + column), zero = for_all_rows(zeros + column);
    for (int row = 0; row < k; row += 8) {
      const auto value = aie::load_v<32>(q).cast_to<uint4>().unpack().cast_to<int8_t>();
      aie::store_v(b, aie::mul(aie::sub(value, zero), scale).to_vector<int8_t>());
      q += 32;
      b += 64;
    }
  }
}

extern "C" void dequant_w4g64_i8_64x128(const uint8_t* packed, int8_t* b) { dequant_w4<64, 128>(packed, b); }
