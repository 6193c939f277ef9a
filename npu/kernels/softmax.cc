// Softmax of a row: y = 2^((x − max x) · log2 e) / Σ of these. Powers are computed twice, which keeps them in float32
// without a place to keep them. A row shorter than n is padded with −∞; one of nothing else comes out even.
//
//   x   bfloat16 [n]      y   bfloat16 [n]
#include "npu/kernels/kernels.h"
#include "npu/kernels/vector_math.h"

// Bounded before it is multiplied: a product by parts makes no number of −∞.
static inline Floats power_below(const Floats& x, const Floats& largest) {
  return exp2(product(aie::max(aie::sub(x, largest), all(-80)), all(1.4426950409f)));
}

template <int n>
static inline void softmax(const uint16_t* __restrict x, uint16_t* __restrict y) {
  aie::set_rounding(aie::rounding_mode::conv_even);
  const bfloat16* in = reinterpret_cast<const bfloat16*>(x);
  bfloat16* out = reinterpret_cast<bfloat16*>(y);
  Floats lanes = all(-3e38f);
  for (int i = 0; i < n; i += 16) lanes = aie::max(lanes, floats(in + i));
  const Floats largest = all(aie::reduce_max(lanes));
  Floats sums = all(0);
  for (int i = 0; i < n; i += 16) sums = aie::add(sums, power_below(floats(in + i), largest));
  const Floats scale = aie::inv(all(aie::reduce_add(sums)));
  for (int i = 0; i < n; i += 16) store(out + i, product(power_below(floats(in + i), largest), scale));
}

extern "C" void softmax_bf16_2048(const uint16_t* x, uint16_t* y) { softmax<2048>(x, y); }
