// The kernels' entry points. A name says the sizes it was compiled for: m × k × n of a tile, or the sides of a pass.
// bfloat16 passes as its bits.
#pragma once

#include <cstdint>

extern "C" {

// C = 0, whatever it is of: zeros of floats have the same bits.
void zero_i32_64x128(int32_t* c);
void zero_i32_64x64(int32_t* c);
void zero_i32_96x96(int32_t* c);
void zero_i32_32x32(int32_t* c);
void zero_i32_4x128(int32_t* c);
void zero_i32_4x64(int32_t* c);

// C += A · B: matmul.h.
void mm_i8i8_i32_64x64x128(const int8_t* a, const int8_t* b, int32_t* c);
void mm_i8i8_i32_64x64x64(const int8_t* a, const int8_t* b, int32_t* c);
void mm_i8i8_i32_4x64x128(const int8_t* a, const int8_t* b, int32_t* c);
void mm_i8i8_i32_4x64x64(const int8_t* a, const int8_t* b, int32_t* c);
void mm_i16i8_i32_64x64x64(const int16_t* a, const int8_t* b, int32_t* c);
void mm_bf16_f32_64x32x64(const uint16_t* a, const uint16_t* b, float* c);
void mm_bf16_f32_96x32x96(const uint16_t* a, const uint16_t* b, float* c);
void mm_bf16_f32_32x128x32(const uint16_t* a, const uint16_t* b, float* c);
void mm_bf16_f32_32x32x128(const uint16_t* a, const uint16_t* b, float* c);

// B of 64 × 128 from its 4-bit form: dequant_w4.cc.
void dequant_w4g64_i8_64x128(const uint8_t* packed, int8_t* b);

// C = C · (token scale · channel scale) + bias, as bfloat16 in the first half of C: epilogue.cc.
void epilogue_i32_bf16_64x128(const float* tokens, const float* channels, int32_t* c);

// f(gate) · up, from 64 × 128 to 64 × 64: gate_mul.cc.
void silu_mul_bf16_64x128(const uint16_t* gate_up, uint16_t* y);
void gelu_mul_bf16_64x128(const uint16_t* gate_up, uint16_t* y);

// Rows, one after the other: rms_norm.cc, softmax.cc, rope.cc (32 heads of 128).
void rms_norm_bf16_3584(const uint16_t* x, const float* weights, uint16_t* y);
void softmax_bf16_2048(const uint16_t* x, uint16_t* y);
void rope_bf16_32x128(const uint16_t* x, uint16_t* y);

// Flash attention of 32 queries, 32 keys at a time: attention.cc.
void attention_begin_32x128(float* stats, float* o);
void attention_weigh_32x32(const float* s, float* stats, uint16_t* p, float* o);
void attention_weigh_causal_32x32(const float* s, float* stats, uint16_t* p, float* o);
void attention_end_32x128(const float* stats, float* o);
}
