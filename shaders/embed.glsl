// Rows of a table in panels, at the step's token ids; ids beyond it read row 0. Included behind quant/<format>.glsl.
#include "lib/step.glsl"
#include "lib/stretch.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Step step;
  uint64_t table, tables;
  Floats to;  // [T, columns]
  uint columns, vocabulary, panel_bytes;
};

void main() {
  const uint stretch = gl_GlobalInvocationID.x, token = gl_GlobalInvocationID.y;
  if (stretch * kStretch >= columns || token >= step.tokens) return;
  uint row = step.token_ids.at[token];
  if (row >= vocabulary) row = 0;
  float values[kStretch];
  read_stretch(table + uint64_t(row / 16) * panel_bytes, row % 16, stretch, tables, values);
  for (uint i = 0; i < kStretch && stretch * kStretch + i < columns; ++i) {
    to.at[token * columns + stretch * kStretch + i] = values[i];
  }
}
