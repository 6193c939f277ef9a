// The product of int16 by int8: half the pace of int8 by int8, for rows that 8 bits do not hold. B lies in the same order as
// that of int8 by int8: eight columns, one row of them after the other.
#include "npu/kernels/kernels.h"
#include "npu/kernels/matmul.h"

using Block = aie::mmul<4, 4, 8, int16_t, int8_t>;

extern "C" void mm_i16i8_i32_64x64x64(const int16_t* a, const int8_t* b, int32_t* c) { matmul<Block, 64, 64, 64>(a, b, c); }
