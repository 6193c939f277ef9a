// Products of whole numbers: rows of x are rounded to int8 with one scale for each 32 values, weights are what they are.
// One formula for all kernels, and one order of sums, so that a row gets the same bits from each of them.
#ifndef TROIKA_INT8
#define TROIKA_INT8
#extension GL_EXT_spirv_intrinsics : require
#include "lib/visible.glsl"

// OpSDot of four signed bytes a word; Debian 12's glslc has no name for it.
spirv_instruction(capabilities = [6018, 6019], id = 4450) int dot_of_bytes(int a, int b, spirv_literal int packed);

int dot4(int a, int b) { return dot_of_bytes(a, b, 0); }

// Of 32 values of x: their scale, and what a weight's `least` is multiplied with: scale · sum of the first 16 numbers,
// of the second 16, of all.
layout(buffer_reference, std430, buffer_reference_align = 16) buffer Scales { VISIBLE vec4 at[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) buffer Numbers { VISIBLE ivec4 at[]; };  // 16 each

// Sum, and what 32 values of a weight's row and of x add to it. Products are whole numbers: of the first 16 and the second
// where these have scales of their own, else `first` is that of all.
float add_product(float sum, float first, float second, vec2 scale, vec2 least, vec4 x, bool two_scales, bool has_least) {
  sum = fma(scale.x * x.x, first, sum);
  if (two_scales) sum = fma(scale.y * x.x, second, sum);
  if (has_least) sum = two_scales ? fma(least.y, x.z, fma(least.x, x.y, sum)) : fma(least.x, x.w, sum);
  return sum;
}
float add_product(float sum, int first, int second, vec2 scale, vec2 least, vec4 x, bool two_scales, bool has_least) {
  return two_scales ? add_product(sum, float(first), float(second), scale, least, x, true, has_least)
                    : add_product(sum, float(first + second), 0, scale, least, x, false, has_least);
}

// Sixteen bytes each: as a piece of a group's quants and of x.
int dot16(ivec4 a, ivec4 b) { return dot4(a.x, b.x) + dot4(a.y, b.y) + dot4(a.z, b.z) + dot4(a.w, b.w); }

// Stretches of 32 values that one lane adds up, one behind the other; then come the lanes' sums. An even number, or one: kernels
// take two at once.
uint slice_length(uint depth, uint slices) {
  const uint length = (depth / 32 + slices - 1) / slices;
  return length > 1 ? length + length % 2 : length;
}

#endif
