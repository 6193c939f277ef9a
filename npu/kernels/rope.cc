// The rotation of a token's heads by its position: of each head's halves a and b, a · cos − b · sin and b · cos + a · sin. The
// host makes the angles, which no core could, and sends them with the row.
//
//   x   bfloat16 [heads, D], then float cos [D/2], sin [D/2]      y   bfloat16 [heads, D]
#include "npu/kernels/kernels.h"
#include "npu/kernels/vector_math.h"

template <int heads, int d>
static inline void rope(const uint16_t* __restrict x, uint16_t* __restrict y) {
  aie::set_rounding(aie::rounding_mode::conv_even);
  const bfloat16* in = reinterpret_cast<const bfloat16*>(x);
  const float* angles = reinterpret_cast<const float*>(x + heads * d);
  bfloat16* out = reinterpret_cast<bfloat16*>(y);
  for (int head = 0; head < heads; ++head) {
    for (int i = 0; i < d / 2; i += 16) {
      const Floats cos = aie::load_v<16>(angles + i), sin = aie::load_v<16>(angles + d / 2 + i);
      const Floats a = floats(in + i), b = floats(in + d / 2 + i);
      store(out + i, aie::sub(product(a, cos), product(b, sin)));
      store(out + d / 2 + i, added_product(product(b, cos), a, sin));
    }
    in += d;
    out += d;
  }
}

extern "C" void rope_bf16_32x128(const uint16_t* x, uint16_t* y) { rope<32, 128>(x, y); }
