// The int8 products of the sizes that designs use.
#include "npu/kernels/kernels.h"
#include "npu/kernels/matmul_i8.h"

extern "C" void mm_i8i8_i32_64x64x128(const int8_t* a, const int8_t* b, int32_t* c) { matmul_i8<64, 64, 128>(a, b, c); }
extern "C" void mm_i8i8_i32_64x64x64(const int8_t* a, const int8_t* b, int32_t* c) { matmul_i8<64, 64, 64>(a, b, c); }
