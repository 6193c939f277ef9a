// What a row's experts made of it, by their shares.
#version 460
#include "lib/step.glsl"

layout(local_size_x = 256) in;

layout(push_constant) uniform Push {
  Step step;
  Floats x, shares, to;  // [rows, used, columns], [rows, used], [rows, columns]
  uint columns, used;
  int rows;
};

void main() {
  const uint column = gl_GlobalInvocationID.x, row = gl_GlobalInvocationID.y;
  if (column >= columns || row >= live_rows(step, rows)) return;
  float sum = 0;
  for (uint j = 0; j < used; ++j) sum = fma(shares.at[row * used + j], x.at[(row * used + j) * columns + column], sum);
  to.at[row * columns + column] = sum;
}
