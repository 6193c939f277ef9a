// A few rows, rounded to int8, times a weight in panels. A workgroup computes 16 columns of the result: lane l takes the
// panel's row l % 16 and one slice of its values; then the slices' sums are added in order. Included behind
// quant/<format>.glsl, of block formats only.
#include "lib/step.glsl"
#include "lib/activations.glsl"
#include "lib/int8.glsl"

layout(local_size_x_id = 3) in;                       // 16 · slices
layout(constant_id = 0) const uint kTokens = 1;       // rows of x at once
layout(constant_id = 1) const uint kKind = 0;
layout(constant_id = 2) const bool kExperts = false;  // each row has an expert of its own
const uint kProduct = 0, kGated = 1, kWhere = 2;
const uint kLanes = gl_WorkGroupSize.x, kSlices = kLanes / 16, kSums = kKind == kGated ? 2 : 1;

layout(push_constant) uniform Push {
  Step step;
  Numbers numbers;            // [rows, depth]
  Scales scales;              // [rows, depth / 32]
  Floats to;                  // [rows, columns]
  uint64_t weight, second;    // panels; second: of up, where `weight` is gate's. kExperts: addresses of each expert's three
  Floats other;               // bias [columns], or the gate [rows, columns] of kWhere
  uint64_t tables;            // the format's code book
  Ints chosen;                // experts of each row, `used` for each token
  uint depth, columns, first; // first row of the weight
  uint panel_bytes;
  int rows;
  uint used, x_rows;          // rows of the result for each row that is live, and for each row of x
  uint act, has_bias;
};

Group read_group(uint64_t panel, uint row, uint stretch) {
  const uint each = kBlockValues / 32;
  return load_group(panel + stretch / each * 16 * kBlockBytes, row, stretch % each, tables);
}

float multiply(const Group g, uint token, uint stretch, float sum) {
  const uint at = token / x_rows * (depth / 32) + stretch;
  const int first = dot16(ivec4(g.quants[0], g.quants[1], g.quants[2], g.quants[3]), numbers.at[at * 2]);
  const int second_half = dot16(ivec4(g.quants[4], g.quants[5], g.quants[6], g.quants[7]), numbers.at[at * 2 + 1]);
  return add_product(sum, first, second_half, vec2(g.scale[0], g.scale[1]), vec2(g.least[0], g.least[1]), scales.at[at],
                     kTwoScales, kHasLeast);
}

shared float sums_[kSums][kTokens][kSlices][16];

void main() {
  const uint lane = gl_LocalInvocationID.x, slice = lane / 16;
  const uint live = live_rows(step, rows) * used, token = gl_WorkGroupID.y * kTokens, begin = gl_WorkGroupID.x * 16;
  if (token >= live) return;
  uint64_t one = weight, two = second;
  if (kExperts) {
    const uint expert = chosen.at[token];
    one = Addresses(weight).at[expert * 3];
    if (kKind == kGated) two = Addresses(second).at[expert * 3];
  }
  const uint row = first + min(begin + lane % 16, columns - 1);
  one += uint64_t(row / 16) * panel_bytes;
  two += uint64_t(row / 16) * panel_bytes;

  float sum[kTokens], sum_of_second[kTokens];
  for (uint t = 0; t < kTokens; ++t) sum[t] = sum_of_second[t] = 0;
  const uint length = slice_length(depth, kSlices), end = min((slice + 1) * length, depth / 32);
  for (uint stretch = slice * length; stretch < end; ++stretch) {
    const Group g = read_group(one, row % 16, stretch);
    for (uint t = 0; t < kTokens && token + t < live; ++t) sum[t] = multiply(g, token + t, stretch, sum[t]);
    if (kKind == kGated) {
      const Group up = read_group(two, row % 16, stretch);
      for (uint t = 0; t < kTokens && token + t < live; ++t) {
        sum_of_second[t] = multiply(up, token + t, stretch, sum_of_second[t]);
      }
    }
  }
  for (uint t = 0; t < kTokens; ++t) {
    sums_[0][t][slice][lane % 16] = sum[t];
    if (kKind == kGated) sums_[kSums - 1][t][slice][lane % 16] = sum_of_second[t];
  }
  barrier();

  for (uint i = lane; i < kTokens * 16; i += kLanes) {
    const uint t = i / 16, column = begin + i % 16;
    if (token + t >= live || column >= columns) continue;
    float total = 0, total_of_second = 0;
    for (uint s = 0; s < kSlices; ++s) {
      total += sums_[0][t][s][i % 16];
      if (kKind == kGated) total_of_second += sums_[kSums - 1][t][s][i % 16];
    }
    const uint at = (token + t) * columns + column;
    if (kKind == kGated) total = activate(act, total) * total_of_second;
    if (kKind == kWhere && other.at[at] == 0) total = 0;
    if (has_bias != 0) total += other.at[column];
    to.at[at] = total;
  }
}
