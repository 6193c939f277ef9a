// Norms of rows, or of equal parts of rows: one workgroup a part.
#version 460
#include "lib/step.glsl"
#include "lib/sum.glsl"
#include "lib/quantise.glsl"

layout(constant_id = 0) const uint kKind = 0;
layout(constant_id = 1) const bool kQuantise = false;  // as int8 besides; of whole rows
const uint kRms = 0, kRmsPlain = 1, kAddRms = 2, kLayer = 3, kMatchRms = 4, kCutBelow = 5;

shared int quants_[kLanes];

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

// Numbers of all lanes as int8, 32 of them a block, as quantise_block() does it. `at`: which number lane 0's is; `count`:
// lanes from there on have none.
void quantise_together(float x, uint lane, uint at, uint count) {
  barrier();
  partial_[lane] = abs(x);
  barrier();
  [[unroll]] for (uint half_ = 16; half_ > 0; half_ /= 2) {
    if (lane % 32 < half_) partial_[lane] = max(partial_[lane], partial_[lane + half_]);
    barrier();
  }
  const float scale = partial_[lane / 32 * 32] / 127;
  const int q = int8_of(x, scale);
  quants_[lane] = q;
  barrier();
  if (lane % 4 == 0 && lane < count) {
    word_of(numbers, (at + lane) / 4,
            quants_[lane] & 0xff | (quants_[lane + 1] & 0xff) << 8 | (quants_[lane + 2] & 0xff) << 16 | quants_[lane + 3] << 24);
  }
  if (lane % 32 == 0 && lane < count) {
    int sums[2] = int[2](0, 0);
    [[unroll]] for (uint i = 0; i < 32; ++i) sums[i / 16] += quants_[lane + i];
    scales.at[(at + lane) / 32] = scales_of(scale, sums);
  }
}

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
  for (uint begin = 0; begin < width; begin += kLanes) {
    const uint i = begin + lane;
    const float result = i < width ? normed(first + i, i, mean, factor, cutoff) : 0;
    if (i < width) to.at[first + i] = result;
    if (kQuantise) quantise_together(result, lane, row * width + begin, width - begin);
  }
}
