// Reads memory from one end to the other, 16 bytes a lane, and makes next to nothing of it: what bandwidth there is.
#version 460
#include "lib/memory.glsl"
#include "lib/limit.glsl"

void main() {
  const uint all = gl_NumWorkGroups.x * gl_WorkGroupSize.x, kAtOnce = 8;
  Words4 words = Words4(data);
  uvec4 sum = uvec4(0);
  uint i = gl_GlobalInvocationID.x;
  for (; i + (kAtOnce - 1) * all < count; i += kAtOnce * all) {
    uvec4 read[kAtOnce];
    [[unroll]] for (uint j = 0; j < kAtOnce; ++j) read[j] = words.at[i + j * all];
    [[unroll]] for (uint j = 0; j < kAtOnce; ++j) sum ^= read[j];
  }
  for (; i < count; i += all) sum ^= words.at[i];
  keep(float(sum.x ^ sum.y ^ sum.z ^ sum.w));
}
