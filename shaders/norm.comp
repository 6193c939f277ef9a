// Norms of rows, or of equal parts of rows: one workgroup a part, a lane for each four numbers that follow each other, which
// are read once.
#version 460
#include "lib/step.glsl"
#include "lib/sum.glsl"
layout(constant_id = 4) const uint kHalfRows = 0;
layout(constant_id = 5) const uint kClasses = 1;
const bool kHalves = kHalfRows > 0;
const uint kRounding = kLanes;
#include "lib/quantise_four.glsl"
#include "lib/rms.glsl"

layout(constant_id = 0) const uint kKind = 0;
layout(constant_id = 1) const uint kQuantise = 0;  // as int8 too; of whole rows
layout(constant_id = 3) const uint kTimes = 1;     // four numbers of a lane
const uint kNot = 0, kBesides = 1, kApart = 2;     // kApart: not as float, and the root mean square is left to who multiplies
const uint kRms = 0, kRmsPlain = 1, kAddRms = 2, kLayer = 3, kMatchRms = 4, kCutBelow = 5;

shared float block_squares_[kQuantise == kApart ? kLanes / 8 * kTimes : 1];

layout(push_constant) uniform Push {
  Step step;
  Floats x, other, weight, bias, to, sum;  // other: what is added (kAddRms), or matched (kMatchRms)
  Numbers numbers;
  Scales scales;
  uint width;  // of a part
  int rows;
  uint parts;  // of a row
  float number;  // epsilon, the floor (kMatchRms), deviations (kCutBelow)
  Floats factors;  // of kApart: [rows]
};

// The row's factor as linear_int8.glsl finds it from the squares.
float factor_of(const float values[kTimes][4], uint lane) {
  [[unroll]] for (uint n = 0; n < kTimes; ++n) {
    const float squares = squares_of_block(values[n], lane);
    if (lane % 8 == 0) block_squares_[(n * kLanes + lane) / 8] = squares;
  }
  barrier();
  if (lane < kRmsLanes) {
    float sum = 0;
    for (uint p = lane; p < width / 32; p += kRmsLanes) sum += block_squares_[p];
    columns_[lane] = sum;
  }
  barrier();
  float sums[kRmsLanes];
  [[unroll]] for (uint j = 0; j < kRmsLanes; ++j) sums[j] = columns_[j];
  return rms_factor(sums, width, number);
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
  if (kQuantise == kApart) {
    const float apart = factor_of(values, lane);
    if (lane == 0) factors.at[row] = apart;
  } else {
    squares = sum_of_all(squares) / width;
  }
  float factor = inversesqrt(squares + number);
  if (kKind == kMatchRms) factor = sqrt(sum_of_all(like) / width) / sqrt(max(squares, number));
  const float cutoff = mean + sqrt(squares) * number;
  [[unroll]] for (uint n = 0; n < kTimes; ++n) {
    const uint at = (n * kLanes + lane) * 4;
    [[unroll]] for (uint j = 0; j < 4; ++j) {
      if (at + j >= width) continue;
      if (kQuantise == kApart) {
        values[n][j] *= weight.at[at + j];
        continue;
      }
      values[n][j] = normed(values[n][j], at + j, mean, factor, cutoff);
      to.at[first + at + j] = values[n][j];
    }
    if (kQuantise != kNot) quantise_four(values[n], numbers, scales, lane, row, at, width, at < width);
  }
}
