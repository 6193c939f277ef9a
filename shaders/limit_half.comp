// Of halves, summed in float32.
#version 460
#define NUMBER float16_t
#define SUM float
#define FLOAT_OF(sum) (sum)
#include "lib/limit_matrix.glsl"
