// Many rows times a weight in panels, in floats: 64 columns of the result for 16, 32 or 64 rows a workgroup. Some stretches
// at a time are unpacked into shared memory, once for all rows; a lane multiplies 8 rows of the weight with up to 4 of x.
// Sums are made in linear.glsl's order, one slice behind the other, with the same bits. Included behind
// quant/<format>.glsl.
#include "lib/step.glsl"
#include "lib/product.glsl"
#include "lib/stretch.glsl"

const uint kLanes = 128, kRows = 64, kSlices = 8;  // rows of the weight
layout(local_size_x = kLanes) in;
layout(constant_id = 0) const uint kEach = 4;  // rows of x of a lane
layout(constant_id = 1) const uint kKind = 0;  // as in linear.glsl, but never kGated
const uint kTokens = 16 * kEach;
const uint kValues = 32, kAtOnce = kValues / kStretch, kFours = kValues / 4;

shared vec4 weight_[kFours][kRows];
shared vec4 x_[kFours][kTokens];

// The stretches from the slice's `counted`-th on; behind the last value zeros.
void stage(uint slice, uint counted, uint begin, uint token, uint live) {
  const uint lane = gl_LocalInvocationID.x;
  for (uint i = lane; i < kRows * kAtOnce; i += kLanes) {
    const uint to_row = i % kRows, s = i / kRows, stretch = slice + (counted + s) * kSlices;
    const uint row = first + min(begin + to_row, columns - 1);
    float values[kStretch];
    [[unroll]] for (uint v = 0; v < kStretch; ++v) values[v] = 0;
    if (stretch * kStretch < depth) read_stretch(panel_of(weight, row), row % 16, stretch, tables, values);
    [[unroll]] for (uint v = 0; v < kStretch; ++v) {
      const float value = stretch * kStretch + v < depth ? values[v] : 0;
      weight_[(s * kStretch + v) / 4][to_row][v % 4] = value;
    }
  }
  for (uint i = lane; i < kTokens * kValues; i += kLanes) {
    const uint v = i % kValues, t = i / kValues;
    const uint at = (slice + (counted + v / kStretch) * kSlices) * kStretch + v % kStretch;
    const uint64_t row = x + uint64_t(min(token + t, live - 1)) * depth * 4;
    x_[v / 4][t][v % 4] = at < depth ? Floats(row).at[at] : 0;
  }
}

void main() {
  const uint lane = gl_LocalInvocationID.x, live = live_rows(step, rows);
  const uint begin = gl_WorkGroupID.y * kRows, token = gl_WorkGroupID.x * kTokens;
  if (token >= live) return;
  const uint stretches = (depth + kStretch - 1) / kStretch, length = (stretches + kSlices - 1) / kSlices;
  const uint r0 = lane % 8, t0 = lane / 8;  // what it multiplies: rows r0, r0 + 8, …, tokens t0, t0 + 16, …

  float total[8][kEach], sum[8][kEach];
  [[unroll]] for (uint r = 0; r < 8; ++r) {
    [[unroll]] for (uint t = 0; t < kEach; ++t) total[r][t] = 0;
  }
  for (uint slice = 0; slice < kSlices; ++slice) {
    [[unroll]] for (uint r = 0; r < 8; ++r) {
      [[unroll]] for (uint t = 0; t < kEach; ++t) sum[r][t] = 0;
    }
    for (uint counted = 0; counted < length; counted += kAtOnce) {
      barrier();
      stage(slice, counted, begin, token, live);
      barrier();
      for (uint four = 0; four < kFours; ++four) {
        vec4 xs[kEach];
        [[unroll]] for (uint t = 0; t < kEach; ++t) xs[t] = x_[four][t0 + 16 * t];
        [[unroll]] for (uint r = 0; r < 8; ++r) {
          const vec4 w = weight_[four][r0 + 8 * r];
          [[unroll]] for (uint t = 0; t < kEach; ++t) {
            sum[r][t] = fma(w.w, xs[t].w, fma(w.z, xs[t].z, fma(w.y, xs[t].y, fma(w.x, xs[t].x, sum[r][t]))));
          }
        }
      }
    }
    [[unroll]] for (uint r = 0; r < 8; ++r) {
      [[unroll]] for (uint t = 0; t < kEach; ++t) total[r][t] += sum[r][t];
    }
  }

  [[unroll]] for (uint t = 0; t < kEach; ++t) {
    const uint out_row = token + t0 + 16 * t;
    [[unroll]] for (uint r = 0; r < 8; ++r) {
      const uint column = begin + r0 + 8 * r;
      if (out_row >= live || column >= columns) continue;
      to.at[out_row * columns + column] = finished(total[r][t], kKind, out_row, column);
    }
  }
}
