// The gate of an MLP: y = silu(gate) · up, where silu(x) = x / (1 + 2^(−x·log2 e)). Columns of gate and up take turns,
// eight by eight, so that both halves of a product land in one core:
//
//   gate_up   bfloat16 [m/4, n/16, 2 (gate, up), 4, 8]      y   bfloat16 [m/4, n/16, 4, 8]
#include "npu/kernels/kernels.h"

#include <aie_api/aie.hpp>

using Floats = aie::vector<float, 16>;

static inline Floats product(const Floats& a, const Floats& b) { return aie::mul(a, b).to_vector<float>(); }

// c + a · b
static inline Floats added_product(float c, const Floats& a, const Floats& b) {
  return aie::mac(aie::accum<accfloat, 16>(aie::broadcast<float, 16>(c)), a, b).to_vector<float>();
}

// The core has no exponential. x is cut into a whole number, which goes into the exponent of a float, and the rest, for
// which Taylor's series of 2^x up to the fifth power is right within 2^-13, whichever way the cut rounds.
static inline Floats exp2(const Floats& x) {
  const auto whole = aie::to_fixed<int32_t>(x);
  const Floats rest = aie::sub(x, aie::to_float<float>(whole));
  Floats power = aie::broadcast<float, 16>(0.0013333558f);
  power = added_product(0.0096181291f, power, rest);
  power = added_product(0.0555041087f, power, rest);
  power = added_product(0.2402265070f, power, rest);
  power = added_product(0.6931471806f, power, rest);
  power = added_product(1, power, rest);
  const auto exponent = aie::upshift(whole, 23);
  return aie::add(power.cast_to<int32_t>(), exponent).cast_to<float>();
}

template <int count>
static inline void silu_mul(const uint16_t* __restrict gate_up, uint16_t* __restrict y) {
  aie::set_rounding(aie::rounding_mode::conv_even);
  const bfloat16* in = reinterpret_cast<const bfloat16*>(gate_up);
  bfloat16* out = reinterpret_cast<bfloat16*>(y);
  const Floats one = aie::broadcast<float, 16>(1), minus_log2_e = aie::broadcast<float, 16>(-1.4426950409f);
  // Below the one the result is nothing, above the other the gate itself; between them 2^x is a number.
  const Floats least = aie::broadcast<float, 16>(-80), most = aie::broadcast<float, 16>(80);
  for (int i = 0; i < count; i += 32) {
    for (int half = 0; half < 32; half += 16) {
      const Floats gate = aie::accum<accfloat, 16>(aie::load_v<16>(in + half)).to_vector<float>();
      const Floats up = aie::accum<accfloat, 16>(aie::load_v<16>(in + half + 32)).to_vector<float>();
      const Floats bounded = aie::max(gate, least);
      const Floats below = aie::add(one, exp2(product(aie::min(bounded, most), minus_log2_e)));
      aie::store_v(out + half, aie::mul(product(bounded, aie::inv(below)), up).to_vector<bfloat16>());
    }
    in += 64;
    out += 32;
  }
}

extern "C" void silu_mul_bf16_64x128(const uint16_t* gate_up, uint16_t* y) { silu_mul<64 * 64>(gate_up, y); }
