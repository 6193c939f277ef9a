// Products of four bytes at a time that never leave the registers, as the products with weights in blocks make them.
#version 460
#include "lib/limit.glsl"
#include "lib/int8.glsl"

void main() {
  const int other = floatBitsToInt(factor);
  int sums[kSums];
  [[unroll]] for (uint s = 0; s < kSums; ++s) sums[s] = int(gl_LocalInvocationID.x * kSums + s);
  for (uint round = 0; round < count; ++round) {
    [[unroll]] for (uint turn = 0; turn < kTurns; ++turn) {
      [[unroll]] for (uint s = 0; s < kSums; ++s) sums[s] += dot4(sums[s], other);
    }
  }
  int all = 0;
  [[unroll]] for (uint s = 0; s < kSums; ++s) all += sums[s];
  keep(float(all));
}
