// Rows as int8, or as halves, for products.
#version 460
#include "lib/step.glsl"
layout(constant_id = 0) const uint kHalfRows = 0;
layout(constant_id = 1) const uint kClasses = 1;
const bool kHalves = kHalfRows > 0;
#include "lib/quantise.glsl"
#include "lib/half.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Step step;
  Floats4 x;  // [rows, columns]
  Numbers numbers;
  Scales scales;
  uint columns;
  int rows;
  uint per_row;  // rows of x for each row that is live
};

void main() {
  const uint blocks = columns / 32, block = gl_GlobalInvocationID.x, row = gl_GlobalInvocationID.y;
  if (block >= blocks || row >= live_rows(step, rows) * per_row) return;
  const uint at = row * blocks + block;
  float values[32];
  [[unroll]] for (uint i = 0; i < 8; ++i) {
    const vec4 four = x.at[at * 8 + i];
    values[4 * i] = four.x;
    values[4 * i + 1] = four.y;
    values[4 * i + 2] = four.z;
    values[4 * i + 3] = four.w;
  }
  if (kHalves) {
    [[unroll]] for (uint i = 0; i < 32; i += 4) {
      const float four[4] = float[4](values[i], values[i + 1], values[i + 2], values[i + 3]);
      put_four_halves(uint64_t(numbers), row, block * 32 + i, columns, four);
    }
    return;
  }
  quantise_block(values, numbers, scales, at);
}
