// Clears the sums of a tile before its first product.
#include "npu/kernels/kernels.h"

#include <aie_api/aie.hpp>

template <int count>
static inline void zero_i32(int32_t* __restrict c) {
  const auto zero = aie::zeros<int32_t, 16>();
  for (int i = 0; i < count; i += 16) aie::store_v(c + i, zero);
}

extern "C" void zero_i32_64x128(int32_t* c) { zero_i32<64 * 128>(c); }
extern "C" void zero_i32_64x64(int32_t* c) { zero_i32<64 * 64>(c); }
extern "C" void zero_i32_96x96(int32_t* c) { zero_i32<96 * 96>(c); }
extern "C" void zero_i32_32x32(int32_t* c) { zero_i32<32 * 32>(c); }
extern "C" void zero_i32_4x128(int32_t* c) { zero_i32<4 * 128>(c); }
extern "C" void zero_i32_4x64(int32_t* c) { zero_i32<4 * 64>(c); }
