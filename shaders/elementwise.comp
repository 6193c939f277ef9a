// Ops whose results depend on the same place of their inputs only.
#version 460
#include "lib/step.glsl"
#include "lib/activations.glsl"

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint kKind = 0;
const uint kAdd = 0, kMul = 1, kMulByVector = 2, kScale = 3, kAct = 4, kSoftcap = 5, kGated = 6;

layout(push_constant) uniform Push {
  Step step;
  Floats a, b, to;  // [rows, columns]; b of kMulByVector: [columns]
  uint columns;
  int rows;
  uint act;
  float factor;
};

void main() {
  const uint column = gl_GlobalInvocationID.x, row = gl_GlobalInvocationID.y;
  if (column >= columns || row >= live_rows(step, rows)) return;
  const uint i = row * columns + column;
  const float x = a.at[i];
  float result = x;
  switch (kKind) {
    case kAdd: result = x + b.at[i]; break;
    case kMul: result = x * b.at[i]; break;
    case kMulByVector: result = x * b.at[column]; break;
    case kScale: result = x * factor; break;
    case kAct: result = activate(act, x); break;
    case kSoftcap: result = factor * tanh_of(x / factor); break;
    case kGated: result = activate(act, x) * b.at[i]; break;
  }
  to.at[i] = result;
}
