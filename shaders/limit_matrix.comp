// Of int8, summed in int32.
#version 460
#define NUMBER int8_t
#define SUM int
#define FLOAT_OF(sum) intBitsToFloat(sum)
#include "lib/limit_matrix.glsl"
