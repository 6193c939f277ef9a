// Rows as int8, for products with weights of block formats.
#version 460
#include "lib/step.glsl"
#include "lib/quantise.glsl"

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
  quantise_block(values, numbers, scales, at);
}
