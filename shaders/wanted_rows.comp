// Brings rows that the host wants whole to where it reads them fast.
#version 460
#include "lib/step.glsl"

layout(local_size_x = 256) in;
const uint kEach = 16;  // values of a lane

layout(push_constant) uniform Push {
  Step step;
  Floats from, to;  // [outputs, columns]
  uint columns, what;  // what: logits or states
};

void main() {
  const uint row = gl_WorkGroupID.y, first = gl_WorkGroupID.x * 256 * kEach + gl_LocalInvocationID.x;
  if (row >= live_rows(step, -2) || (step.wanted.at[row].whole & what) == 0) return;
  [[unroll]] for (uint i = 0; i < kEach; ++i) {
    const uint column = first + i * 256;
    if (column < columns) to.at[row * columns + column] = from.at[row * columns + column];
  }
}
