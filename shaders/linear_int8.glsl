// Up to 32 rows, rounded to int8, times a weight in panels, which is read once for all of them. A workgroup computes 16
// columns of the result, or 32 where it rounds them in turn: lane l takes the row l % 16 of each panel and one slice of its
// values; then the slices' sums are added in order, a lane for each number of the result. Rows that are not live are
// computed too (they cost less than to ask) and thrown away. Included behind quant/<format>.glsl, of block formats only.
#include "lib/step.glsl"
#include "lib/activations.glsl"
#include "lib/quantise.glsl"
#include "lib/product.glsl"

layout(local_size_x_id = 3) in;                       // 16 · slices
layout(constant_id = 0) const uint kTokens = 1;       // rows of x at once
layout(constant_id = 1) const uint kKind = 0;
layout(constant_id = 2) const bool kExperts = false;  // each row has an expert of its own
layout(constant_id = 4) const bool kQuantise = false; // the result as int8 besides
const uint kLanes = gl_WorkGroupSize.x, kSlices = kLanes / 16, kPanels = kQuantise ? 2 : 1, kColumns = 16 * kPanels;

Group read_group(uint64_t panel, uint row, uint stretch) {
  const uint each = kBlockValues / 32;
  return load_group(panel + stretch / each * 16 * kBlockBytes, row, stretch % each, tables);
}

float multiply(const Group g, uint token, uint stretch, float sum) {
  const uint at = token / x_rows * (depth / 32) + stretch;
  const int first_half = dot16(ivec4(g.quants[0], g.quants[1], g.quants[2], g.quants[3]), Numbers(x).at[at * 2]);
  const int second_half = dot16(ivec4(g.quants[4], g.quants[5], g.quants[6], g.quants[7]), Numbers(x).at[at * 2 + 1]);
  return add_product(sum, first_half, second_half, vec2(g.scale[0], g.scale[1]), vec2(g.least[0], g.least[1]),
                     Scales(scales).at[at], kTwoScales, kHasLeast);
}

// Rows whose sums are added at once: they fit shared memory, and each number of the result has a lane.
const uint kFit = 4096 / (kSlices * kColumns), kHaveLanes = kSlices / kPanels, kMost = kFit < kHaveLanes ? kFit : kHaveLanes;
const uint kAtOnce = kMost < kTokens ? kMost : kTokens;
shared float sums_[kAtOnce][kSlices][kColumns];
shared float results_[kAtOnce][32];

// The sum over all slices of this lane's number: of rows begin … begin + kAtOnce of the result.
float sum_of_slices(const float mine[kPanels][kTokens], uint begin) {
  const uint lane = gl_LocalInvocationID.x;
  barrier();
  [[unroll]] for (uint p = 0; p < kPanels; ++p) {
    [[unroll]] for (uint t = 0; t < kTokens; ++t) {
      if (t >= begin && t < begin + kAtOnce) sums_[t - begin][lane / 16][p * 16 + lane % 16] = mine[p][t];
    }
  }
  barrier();
  float total = 0;
  if (lane < kAtOnce * kColumns) {
    for (uint s = 0; s < kSlices; ++s) total += sums_[lane / kColumns][s][lane % kColumns];
  }
  return total;
}

void main() {
  const uint lane = gl_LocalInvocationID.x, slice = lane / 16;
  const uint live = live_rows(step, rows) * used, token = gl_WorkGroupID.y * kTokens;
  const uint begin = gl_WorkGroupID.x * kColumns;
  if (token >= live) return;
  const uint64_t one = matrix(weight, kExperts, token), two = kKind == kGated ? matrix(second, kExperts, token) : 0;
  const uint length = slice_length(depth, kSlices), end = min((slice + 1) * length, depth / 32);

  float sum[kPanels][kTokens], sum_of_second[kPanels][kTokens];
  [[unroll]] for (uint p = 0; p < kPanels; ++p) {
    const uint row = first + min(begin + p * 16 + lane % 16, columns - 1);
    [[unroll]] for (uint t = 0; t < kTokens; ++t) sum[p][t] = sum_of_second[p][t] = 0;
    for (uint stretch = slice * length; stretch < end; ++stretch) {
      const Group g = read_group(panel_of(one, row), row % 16, stretch);
      [[unroll]] for (uint t = 0; t < kTokens; ++t) sum[p][t] = multiply(g, token + t, stretch, sum[p][t]);
      if (kKind == kGated) {
        const Group up = read_group(panel_of(two, row), row % 16, stretch);
        [[unroll]] for (uint t = 0; t < kTokens; ++t) {
          sum_of_second[p][t] = multiply(up, token + t, stretch, sum_of_second[p][t]);
        }
      }
    }
  }

  for (uint base = 0; base < kTokens; base += kAtOnce) {
    const uint t = base + lane / kColumns, column = begin + lane % kColumns;
    const bool mine = lane < kAtOnce * kColumns && token + t < live && column < columns;
    float result = sum_of_slices(sum, base);
    if (kKind == kGated) {
      const float up = sum_of_slices(sum_of_second, base);
      result = activate(act, result) * up;
    }
    if (mine) {
      result = finished(result, kKind, token + t, column);
      to.at[(token + t) * columns + column] = result;
    }
    if (kQuantise) {
      if (lane < kAtOnce * kColumns) results_[lane / kColumns][lane % kColumns] = result;
      barrier();
      if (lane < kAtOnce && token + base + lane < live) {
        float block[32];
        for (uint i = 0; i < 32; ++i) block[i] = results_[lane][i];
        quantise_block(block, Numbers(to_numbers), Scales(to_scales), ((token + base + lane) * columns + begin) / 32);
      }
    }
  }
}
