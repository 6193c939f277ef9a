// The gate of an MLP: y = f(gate) · up. Columns of gate and up take turns, eight by eight, so that both halves of a product
// land in one core:
//
//   gate_up   bfloat16 [m/4, n/16, 2 (gate, up), 4, 8]      y   bfloat16 [m/4, n/16, 4, 8]
//
// Both functions are x / (1 + 2^−s(x)). SiLU: s = x · log2 e. GELU by way of tanh, since (1 + tanh z) / 2 is
// 1 / (1 + e^−2z): s = 2·√(2/π) · (x + 0.044715 x³) · log2 e.
#include "npu/kernels/kernels.h"
#include "npu/kernels/vector_math.h"

static inline Floats silu_power(const Floats& x) { return product(x, all(-1.4426950409f)); }

static inline Floats gelu_power(const Floats& x) {
  return product(x, added_product(all(-2.3022081985f), all(-0.1029432395f), product(x, x)));
}

template <Floats (*power)(const Floats&), int count>
static inline void gate_mul(const uint16_t* __restrict gate_up, uint16_t* __restrict y) {
  aie::set_rounding(aie::rounding_mode::conv_even);
  const bfloat16* in = reinterpret_cast<const bfloat16*>(gate_up);
  bfloat16* out = reinterpret_cast<bfloat16*>(y);
  // Below the one the result is nothing, above the other the gate itself; between them 2^x is a number.
  const Floats least = all(-80), most = all(80), least_power = all(-115), most_power = all(115);
  for (int i = 0; i < count; i += 32) {
    for (int half = 0; half < 32; half += 16) {
      const Floats gate = aie::max(floats(in + half), least), up = floats(in + half + 32);
      const Floats bounded = aie::min(aie::max(power(aie::min(gate, most)), least_power), most_power);
      const Floats below = aie::add(all(1), exp2(bounded));
      store(out + half, product(product(gate, aie::inv(below)), up));
    }
    in += 64;
    out += 32;
  }
}

extern "C" void silu_mul_bf16_64x128(const uint16_t* gate_up, uint16_t* y) { gate_mul<silu_power, 64 * 64>(gate_up, y); }
extern "C" void gelu_mul_bf16_64x128(const uint16_t* gate_up, uint16_t* y) { gate_mul<gelu_power, 64 * 64>(gate_up, y); }
