// The int8 products of the sizes that designs use.
#include "npu/kernels/kernels.h"
#include "npu/kernels/matmul.h"

using Block = aie::mmul<4, 8, 8, int8_t, int8_t>;

extern "C" void mm_i8i8_i32_64x64x128(const int8_t* a, const int8_t* b, int32_t* c) { matmul<Block, 64, 64, 128>(a, b, c); }
extern "C" void mm_i8i8_i32_64x64x64(const int8_t* a, const int8_t* b, int32_t* c) { matmul<Block, 64, 64, 64>(a, b, c); }
extern "C" void mm_i8i8_i32_4x64x128(const int8_t* a, const int8_t* b, int32_t* c) { matmul_4<Block, 64, 128>(a, b, c); }
extern "C" void mm_i8i8_i32_4x64x64(const int8_t* a, const int8_t* b, int32_t* c) { matmul_4<Block, 64, 64>(a, b, c); }
