// Rows of x as halves, for the matrix unit. x is divided by 64 and weights are multiplied by it: so x may be 4 million and is
// exact to 2e-6, and a weight's scale keeps all its bits down to 1e-6.
//
// Rows lie as the lanes of a subgroup take them (lib/lanes.glsl): kHalfRows of them together, stretches of 32 values kClasses
// at a time. Of such a span each lane has one row's one stretch:
//
//   values 0–7 of lane 0 | values 0–7 of lane 1 | … | values 8–15 of lane 0 | … | values 24–31 of the last lane
//
// Of each four values the second and the third change places, in x as in the weight: so the four bytes of a word become two
// pairs without a permutation. Who includes this says kHalfRows and kClasses.
#ifndef TROIKA_HALF
#define TROIKA_HALF
const float kHalfUnit = 64, kMostHalf = 65504;

layout(buffer_reference, std430, buffer_reference_align = 16) readonly buffer Halves8 { uvec4 at[]; };
layout(buffer_reference, std430, buffer_reference_align = 2) writeonly buffer HalfOut { float16_t at[]; };
layout(buffer_reference, std430, buffer_reference_align = 8) writeonly buffer Halves4Out { f16vec4 at[]; };

float cut_to_half(float x) { return clamp(x, -kMostHalf, kMostHalf); }
vec4 cut_to_half(vec4 x) { return clamp(x, -kMostHalf, kMostHalf); }

// Where value i of a row stands, or which one stands there.
uint with_middle_swapped(uint i) { return i ^ ((i ^ i >> 1) & 1) * 3; }

// Where values 8 i to 8 i + 7 of a row's stretch lie, in eights, if rows have `stretches`.
uint place_of_eight(uint row, uint stretch, uint i, uint stretches) {
  const uint spans = (stretches + kClasses - 1) / kClasses, span = row / kHalfRows * spans + stretch / kClasses;
  return (span * 4 + i) * (kHalfRows * kClasses) + row % kHalfRows * kClasses + stretch % kClasses;
}

void put_half(uint64_t rows, uint row, uint column, uint columns, float x) {
  const uint eight = place_of_eight(row, column / 32, column % 32 / 8, columns / 32);
  HalfOut(rows).at[eight * 8 + with_middle_swapped(column % 8)] = float16_t(cut_to_half(x / kHalfUnit));
}

// From `column` on, a multiple of 4.
void put_four_halves(uint64_t rows, uint row, uint column, uint columns, const float x[4]) {
  const uint eight = place_of_eight(row, column / 32, column % 32 / 8, columns / 32);
  const vec4 four = vec4(x[0], x[2], x[1], x[3]) / kHalfUnit;
  Halves4Out(rows).at[eight * 2 + column % 8 / 4] = f16vec4(cut_to_half(four));
}

#endif
