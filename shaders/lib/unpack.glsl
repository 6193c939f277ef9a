// The weights of a group as floats. To be included behind a block format, whose kHasLeast it reads.
#ifndef TROIKA_UNPACK
#define TROIKA_UNPACK
#extension GL_EXT_control_flow_attributes : require
#include "lib/group.glsl"

void unpack_group(Group group, out float values[32]) {
  [[unroll]] for (int i = 0; i < 32; ++i) {
    float quant = float(bitfieldExtract(group.quants[i / 4], i % 4 * 8, 8));
    values[i] = quant * group.scale[i / 16];
    if (kHasLeast) values[i] += group.least[i / 16];
  }
}

#endif
