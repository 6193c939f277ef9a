// Products of bfloat16 with sums in float32, which the matrix unit adds in an order of its own. The last two are attention's.
#include "npu/kernels/kernels.h"
#include "npu/kernels/matmul.h"

using Block = aie::mmul<4, 8, 4, bfloat16, bfloat16>;

template <int m, int k, int n>
static inline void product(const uint16_t* a, const uint16_t* b, float* c) {
  matmul<Block, m, k, n>(reinterpret_cast<const bfloat16*>(a), reinterpret_cast<const bfloat16*>(b), c);
}

extern "C" void mm_bf16_f32_64x32x64(const uint16_t* a, const uint16_t* b, float* c) { product<64, 32, 64>(a, b, c); }
extern "C" void mm_bf16_f32_96x32x96(const uint16_t* a, const uint16_t* b, float* c) { product<96, 32, 96>(a, b, c); }
extern "C" void mm_bf16_f32_32x128x32(const uint16_t* a, const uint16_t* b, float* c) { product<32, 128, 32>(a, b, c); }
extern "C" void mm_bf16_f32_32x32x128(const uint16_t* a, const uint16_t* b, float* c) { product<32, 32, 128>(a, b, c); }
