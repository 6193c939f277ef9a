// Rows of a table in panels, at the step's token ids; ids beyond it read row 0. Included behind quant/<format>.glsl.
#include "lib/step.glsl"
#ifndef PLAIN
#include "lib/unpack.glsl"
#endif

layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Step step;
  uint64_t table, tables;
  Floats to;  // [T, columns]
  uint columns, vocabulary, panel_bytes;
};

#ifdef PLAIN
const uint kStretch = kBlockValues;
#else
const uint kStretch = 32;
#endif

void main() {
  const uint stretch = gl_GlobalInvocationID.x, token = gl_GlobalInvocationID.y;
  if (stretch * kStretch >= columns || token >= step.tokens) return;
  uint row = step.token_ids.at[token];
  if (row >= vocabulary) row = 0;
  const uint64_t panel = table + uint64_t(row / 16) * panel_bytes;
  float values[kStretch];
#ifdef PLAIN
  load_block(panel + stretch * 16 * kBlockBytes, row % 16, values);
#else
  const uint each = kBlockValues / 32;
  unpack_group(load_group(panel + stretch / each * 16 * kBlockBytes, row % 16, stretch % each, tables), values);
#endif
  for (uint i = 0; i < kStretch && stretch * kStretch + i < columns; ++i) {
    to.at[token * columns + stretch * kStretch + i] = values[i];
  }
}
