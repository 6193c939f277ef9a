// Norms of rows, or of equal parts of rows: one workgroup a part, a lane for each four numbers that follow each other, which
// are read once.
#version 460
#include "lib/step.glsl"
#include "lib/sum.glsl"
#include "lib/quantise.glsl"

layout(constant_id = 0) const uint kKind = 0;
layout(constant_id = 1) const bool kQuantise = false;  // as int8 besides; of whole rows
layout(constant_id = 3) const uint kTimes = 1;         // four numbers of a lane
const uint kRms = 0, kRmsPlain = 1, kAddRms = 2, kLayer = 3, kMatchRms = 4, kCutBelow = 5;

shared int sums_[kLanes];

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

// Four of this lane's numbers as int8. Eight lanes have a block of 32, as quantise_block() rounds it; `at`: the first number's
// place in the row.
void quantise_four(const float x[4], uint lane, uint row, uint at) {
  barrier();
  partial_[lane] = max(max(abs(x[0]), abs(x[1])), max(abs(x[2]), abs(x[3])));
  barrier();
  float largest = 0;
  [[unroll]] for (uint i = 0; i < 8; ++i) largest = max(largest, partial_[lane / 8 * 8 + i]);
  const float scale = largest / 127;
  int q[4];
  [[unroll]] for (uint j = 0; j < 4; ++j) q[j] = int8_of(x[j], scale);
  sums_[lane] = q[0] + q[1] + q[2] + q[3];
  barrier();
  if (at >= width) return;
  word_of(numbers, (row * width + at) / 4, q[0] & 0xff | (q[1] & 0xff) << 8 | (q[2] & 0xff) << 16 | q[3] << 24);
  if (lane % 8 == 0) {
    int halves[2] = int[2](0, 0);
    [[unroll]] for (uint i = 0; i < 8; ++i) halves[i / 4] += sums_[lane + i];
    scales.at[(row * width + at) / 32] = scales_of(scale, halves);
  }
}

float normed(float value, uint column, float mean, float factor, float cutoff) {
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
  float values[kTimes][4], mean = 0, squares = 0, like = 0;
  [[unroll]] for (uint n = 0; n < kTimes; ++n) {
    [[unroll]] for (uint j = 0; j < 4; ++j) {
      const uint i = (n * kLanes + lane) * 4 + j;
      values[n][j] = 0;
      if (i >= width) continue;
      values[n][j] = x.at[first + i];
      if (kKind == kAddRms) {
        values[n][j] += other.at[first + i];
        sum.at[first + i] = values[n][j];
      }
      if (kKind == kMatchRms) like = fma(other.at[first + i], other.at[first + i], like);
      mean += values[n][j];
    }
  }
  mean = kKind == kLayer || kKind == kCutBelow ? sum_of_all(mean) / width : 0;
  [[unroll]] for (uint n = 0; n < kTimes; ++n) {
    [[unroll]] for (uint j = 0; j < 4; ++j) {
      const float value = values[n][j] - mean;
      if ((n * kLanes + lane) * 4 + j < width) squares = fma(value, value, squares);
    }
  }
  squares = sum_of_all(squares) / width;
  float factor = inversesqrt(squares + number);
  if (kKind == kMatchRms) factor = sqrt(sum_of_all(like) / width) / sqrt(max(squares, number));
  const float cutoff = mean + sqrt(squares) * number;
  [[unroll]] for (uint n = 0; n < kTimes; ++n) {
    const uint at = (n * kLanes + lane) * 4;
    [[unroll]] for (uint j = 0; j < 4; ++j) {
      if (at + j >= width) continue;
      values[n][j] = normed(values[n][j], at + j, mean, factor, cutoff);
      to.at[first + at + j] = values[n][j];
    }
    if (kQuantise) quantise_four(values[n], lane, row, at);
  }
}
