// The mean of each `group` rows that follow each other.
#version 460
#include "lib/step.glsl"

layout(local_size_x = 256) in;

layout(push_constant) uniform Push {
  Step step;
  Floats x, to;
  uint columns, group;
  int rows;
};

void main() {
  const uint column = gl_GlobalInvocationID.x, row = gl_GlobalInvocationID.y;
  if (column >= columns || row >= live_rows(step, rows)) return;
  float sum = 0;
  for (uint j = 0; j < group; ++j) sum += x.at[(row * group + j) * columns + column];
  to.at[row * columns + column] = sum / group;
}
