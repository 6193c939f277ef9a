// Ops that only bring rows, or columns of them, to another place.
#version 460
#include "lib/step.glsl"

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint kFrom = 0;
const uint kSame = 0, kOutputRow = 1, kFeatures = 2, kFeaturesOrSame = 3;  // which row of what becomes row r

layout(push_constant) uniform Push {
  Step step;
  Floats from, to;
  uint columns, from_stride, from_first, to_stride, to_first;
  int rows;
};

void main() {
  const uint column = gl_GlobalInvocationID.x, row = gl_GlobalInvocationID.y;
  if (column >= columns || row >= live_rows(step, rows)) return;
  Floats source = from;
  uint source_row = row;
  if (kFrom == kOutputRow) source_row = step.output_rows.at[row];
  if (kFrom == kFeatures) source = step.features;
  if (kFrom == kFeaturesOrSame && step.feature_rows.at[row] >= 0) {
    source = step.features;
    source_row = step.feature_rows.at[row];
  }
  to.at[row * to_stride + to_first + column] = source.at[source_row * from_stride + from_first + column];
}
