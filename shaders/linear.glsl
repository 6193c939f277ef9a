// Up to 8 rows times a weight in panels. A workgroup computes 16 columns of the result: lane l takes the panel's row l % 16
// and every eighth stretch of its values, and the eight sums are added in one order, whatever the number of rows. Rows that
// are not live are computed too (they cost less than to ask) and thrown away. Included behind quant/<format>.glsl, which says
// how a stretch is read.
#include "lib/step.glsl"
#include "lib/activations.glsl"
#include "lib/product.glsl"
#include "lib/stretch.glsl"

const uint kSlices = 8;
layout(local_size_x = 16 * kSlices) in;
layout(constant_id = 0) const uint kTokens = 1;  // rows of x at once
layout(constant_id = 1) const uint kKind = 0;
layout(constant_id = 2) const bool kExperts = false;  // each row has an expert of its own

float multiply(const float values[kStretch], uint token, uint stretch, float sum) {
  const uint64_t from = x + (uint64_t(token / x_rows) * depth + stretch * kStretch) * 4;
#ifdef PLAIN
  Floats row = Floats(from);
  const uint count = min(kStretch, depth - stretch * kStretch);
  [[unroll]] for (uint i = 0; i < kStretch; ++i) {
    if (i < count) sum = fma(values[i], row.at[i], sum);
  }
#else
  Floats4 row = Floats4(from);
  [[unroll]] for (uint i = 0; i < kStretch / 4; ++i) {
    const vec4 four = row.at[i];
    sum = fma(values[4 * i], four.x, sum);
    sum = fma(values[4 * i + 1], four.y, sum);
    sum = fma(values[4 * i + 2], four.z, sum);
    sum = fma(values[4 * i + 3], four.w, sum);
  }
#endif
  return sum;
}

shared float sums_[2][kTokens][kSlices][16];

void main() {
  const uint lane = gl_LocalInvocationID.x, slice = lane / 16;
  const uint live = live_rows(step, rows) * used, token = gl_WorkGroupID.x * kTokens, begin = gl_WorkGroupID.y * 16;
  if (token >= live) return;
  const uint row = first + min(begin + lane % 16, columns - 1);
  const uint64_t one = panel_of(matrix(weight, kExperts, token), row);
  const uint64_t two = kKind == kGated ? panel_of(matrix(second, kExperts, token), row) : 0;

  float sum[kTokens], sum_of_second[kTokens];
  [[unroll]] for (uint t = 0; t < kTokens; ++t) sum[t] = sum_of_second[t] = 0;
  for (uint stretch = slice; stretch * kStretch < depth; stretch += kSlices) {
    float values[kStretch];
    read_stretch(one, row % 16, stretch, tables, values);
    [[unroll]] for (uint t = 0; t < kTokens; ++t) sum[t] = multiply(values, token + t, stretch, sum[t]);
    if (kKind == kGated) {
      read_stretch(two, row % 16, stretch, tables, values);
      [[unroll]] for (uint t = 0; t < kTokens; ++t) {
        sum_of_second[t] = multiply(values, token + t, stretch, sum_of_second[t]);
      }
    }
  }
  [[unroll]] for (uint t = 0; t < kTokens; ++t) {
    sums_[0][t][slice][lane % 16] = sum[t];
    if (kKind == kGated) sums_[1][t][slice][lane % 16] = sum_of_second[t];
  }
  barrier();

  for (uint i = lane; i < kTokens * 16; i += 16 * kSlices) {
    const uint t = i / 16, column = begin + i % 16;
    if (token + t >= live || column >= columns) continue;
    float total = 0, total_of_second = 0;
    for (uint s = 0; s < kSlices; ++s) {
      total += sums_[0][t][s][i % 16];
      if (kKind == kGated) total_of_second += sums_[1][t][s][i % 16];
    }
    if (kKind == kGated) total = activate(act, total) * total_of_second;
    to.at[(token + t) * columns + column] = finished(total, kKind, token + t, column);
  }
}
