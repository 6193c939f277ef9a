// Norms of rows, or of equal parts of rows: one workgroup a part.
#version 460
#include "lib/step.glsl"
#include "lib/sum.glsl"

layout(constant_id = 0) const uint kKind = 0;
const uint kRms = 0, kRmsPlain = 1, kAddRms = 2, kLayer = 3, kMatchRms = 4, kCutBelow = 5;

layout(push_constant) uniform Push {
  Step step;
  Floats x, other, weight, bias, to, sum;  // other: what is added (kAddRms), or matched (kMatchRms)
  uint width;  // of a part
  int rows;
  uint parts;  // of a row
  float number;  // epsilon, the floor (kMatchRms), deviations (kCutBelow)
};

void main() {
  const uint lane = gl_LocalInvocationID.x, row = gl_WorkGroupID.y;
  if (row >= live_rows(step, rows)) return;
  const uint first = (row * parts + gl_WorkGroupID.x) * width;
  float mean = 0, squares = 0;
  if (kKind == kLayer || kKind == kCutBelow) {
    for (uint i = lane; i < width; i += kLanes) mean += x.at[first + i];
    mean = sum_of_all(mean) / width;
  }
  for (uint i = lane; i < width; i += kLanes) {
    float value = x.at[first + i];
    if (kKind == kAddRms) {
      value += other.at[first + i];
      sum.at[first + i] = value;
    }
    squares = fma(value - mean, value - mean, squares);
  }
  squares = sum_of_all(squares) / width;
  float factor = inversesqrt(squares + number);
  if (kKind == kMatchRms) {
    float like = 0;
    for (uint i = lane; i < width; i += kLanes) like = fma(other.at[first + i], other.at[first + i], like);
    factor = sqrt(sum_of_all(like) / width) / sqrt(max(squares, number));
  }
  const float cutoff = mean + sqrt(squares) * number;
  for (uint i = lane; i < width; i += kLanes) {
    const float value = kKind == kAddRms ? sum.at[first + i] : x.at[first + i];
    float result = (value - mean) * factor;
    if (kKind == kRms || kKind == kAddRms) result *= weight.at[i];
    if (kKind == kLayer) result = result * weight.at[i] + bias.at[i];
    if (kKind == kCutBelow) result = max(0, value - cutoff);
    to.at[first + i] = result;
  }
}
