// A row divided by the root of its mean square, times a weight: y = x · w / √(Σ x² / n + ε).
//
//   x   bfloat16 [n]      weights   float [n], then ε      y   bfloat16 [n]
#include "npu/kernels/kernels.h"
#include "npu/kernels/vector_math.h"

template <int n>
static inline void rms_norm(const uint16_t* __restrict x, const float* __restrict weights, uint16_t* __restrict y) {
  aie::set_rounding(aie::rounding_mode::conv_even);
  const bfloat16* in = reinterpret_cast<const bfloat16*>(x);
  bfloat16* out = reinterpret_cast<bfloat16*>(y);
  aie::accum<accfloat, 16> squares(all(0));
  for (int i = 0; i < n; i += 16) {
    const auto values = aie::load_v<16>(in + i);
    squares = aie::mac(squares, values, values);
  }
  const float sum = aie::reduce_add(squares.to_vector<float>());
  const Floats scale = inverse_root(added_product(all(weights[n]), all(sum), all(1.0f / n)));
  for (int i = 0; i < n; i += 16) store(out + i, product(product(floats(in + i), scale), aie::load_v<16>(weights + i)));
}

extern "C" void rms_norm_bf16_3584(const uint16_t* x, const float* weights, uint16_t* y) { rms_norm<3584>(x, weights, y); }
