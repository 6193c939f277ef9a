// A row's weighted sum of up to eight tensors.
#version 460
#include "lib/step.glsl"

layout(local_size_x = 256) in;

layout(push_constant) uniform Push {
  Step step;
  Floats weights, to;
  Floats x[8];
  uint count, columns, weight_columns, first;
  int rows;
};

void main() {
  const uint column = gl_GlobalInvocationID.x, row = gl_GlobalInvocationID.y;
  if (column >= columns || row >= live_rows(step, rows)) return;
  float sum = 0;
  for (uint j = 0; j < count; ++j) {
    sum = fma(weights.at[row * weight_columns + first + j], x[j].at[row * columns + column], sum);
  }
  to.at[row * columns + column] = sum;
}
