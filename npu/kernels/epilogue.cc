// From sums to bfloat16, once a tile: y = sum · (token scale · channel scale) + bias. It works in place: a block's 32 sums
// are read before its 32 results are written, at half the distance from the start.
//
//   c         int32 [m/4, n/8, 4, 8], then bfloat16 [m/4, n/8, 4, 8] in its first half
//   tokens    float [m]      channels   float [2 (scale, bias), n]
#include "npu/kernels/kernels.h"

#include <aie_api/aie.hpp>

// One number for each of two rows of a block.
static inline aie::vector<float, 16> for_two_rows(const float* rows) {
  return aie::concat(aie::broadcast<float, 8>(rows[0]), aie::broadcast<float, 8>(rows[1]));
}

// Eight columns, for each of two rows.
static inline aie::vector<float, 16> for_eight_columns(const float* columns) {
  const auto eight = aie::load_v<8>(columns);
  return aie::concat(eight, eight);
}

template <int m, int n>
static inline void epilogue_i32_bf16(const float* __restrict tokens, const float* __restrict channels, int32_t* c) {
  aie::set_rounding(aie::rounding_mode::conv_even);
  const int32_t* in = c;
  bfloat16* out = reinterpret_cast<bfloat16*>(c);
  for (int row = 0; row < m; row += 4) {
    const auto upper = for_two_rows(tokens + row), lower = for_two_rows(tokens + row + 2);
    for (int column = 0; column < n; column += 8) {
      const auto channel = for_eight_columns(channels + column);
      const aie::accum<accfloat, 16> offset(for_eight_columns(channels + n + column));
      const auto sums = aie::load_v<32>(in);
      const auto first = aie::to_float<float>(sums.extract<16>(0)), second = aie::to_float<float>(sums.extract<16>(1));
      const auto scale1 = aie::mul(upper, channel).to_vector<float>(), scale2 = aie::mul(lower, channel).to_vector<float>();
      aie::store_v(out, aie::mac(offset, first, scale1).to_vector<bfloat16>());
      aie::store_v(out + 16, aie::mac(offset, second, scale2).to_vector<bfloat16>());
      in += 32;
      out += 32;
    }
  }
}

extern "C" void epilogue_i32_bf16_64x128(const float* tokens, const float* channels, int32_t* c) {
  epilogue_i32_bf16<64, 128>(tokens, channels, c);
}
