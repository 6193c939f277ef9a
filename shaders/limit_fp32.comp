// Multiply-adds of floats that never leave the registers: what a GPU's arithmetic can do.
#version 460
#include "lib/limit.glsl"

void main() {
  float sums[kSums];
  [[unroll]] for (uint s = 0; s < kSums; ++s) sums[s] = float(gl_LocalInvocationID.x + s);
  for (uint round = 0; round < count; ++round) {
    [[unroll]] for (uint turn = 0; turn < kTurns; ++turn) {
      [[unroll]] for (uint s = 0; s < kSums; ++s) sums[s] = fma(sums[s], factor, summand);
    }
  }
  float all = 0;
  [[unroll]] for (uint s = 0; s < kSums; ++s) all += sums[s];
  keep(all);
}
