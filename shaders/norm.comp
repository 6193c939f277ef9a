// Norms of rows, or of equal parts of rows: one workgroup a part.
#version 460
#include "lib/step.glsl"
#include "lib/sum.glsl"
#include "lib/quantise.glsl"

layout(constant_id = 0) const uint kKind = 0;
layout(constant_id = 1) const bool kQuantise = false;  // as int8 besides; of whole rows
const uint kRms = 0, kRmsPlain = 1, kAddRms = 2, kLayer = 3, kMatchRms = 4, kCutBelow = 5;

layout(push_constant) uniform Push {
  Step step;
  Floats x, other, weight, bias, to, sum;  // other: what is added (kAddRms), or matched (kMatchRms)
  Numbers numbers;
  Scales scales;
  uint width;  // of a part
  int rows;
  uint parts;  // of a row
  float number;  // epsilon, the floor (kMatchRms), deviations (kCutBelow)
};

float normed(uint at, uint column, float mean, float factor, float cutoff) {
  float value = x.at[at];
  if (kKind == kAddRms) value += other.at[at];
  if (kKind == kCutBelow) return max(0, value - cutoff);
  const float result = (value - mean) * factor;
  if (kKind == kRms || kKind == kAddRms) return result * weight.at[column];
  if (kKind == kLayer) return result * weight.at[column] + bias.at[column];
  return result;
}

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
  if (kQuantise) {
    for (uint block = lane; block < width / 32; block += kLanes) {
      float values[32];
      for (uint i = 0; i < 32; ++i) {
        values[i] = normed(first + block * 32 + i, block * 32 + i, mean, factor, cutoff);
        to.at[first + block * 32 + i] = values[i];
      }
      quantise_block(values, numbers, scales, row * (width / 32) + block);
    }
  } else {
    for (uint i = lane; i < width; i += kLanes) to.at[first + i] = normed(first + i, i, mean, factor, cutoff);
  }
}
