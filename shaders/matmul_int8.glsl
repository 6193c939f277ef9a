// Many rows, rounded to int8, times a weight in panels: 64 columns of the result for 16, 32 or 64 rows a workgroup.
// Two stretches of 32 values at a time are unpacked into shared memory, once for all rows; a lane multiplies 8 rows of
// the weight with up to 4 of x. Sums are made in linear_int8.glsl's order, with the same bits. Included behind
// quant/<format>.glsl, of block formats only.
#include "lib/step.glsl"
#include "lib/int8.glsl"
#include "lib/product.glsl"

const uint kLanes = 128, kRows = 64, kAtOnce = 2;  // of the weight; stretches
layout(local_size_x = kLanes) in;
layout(constant_id = 0) const uint kEach = 4;     // rows of x of a lane
layout(constant_id = 1) const uint kKind = 0;     // as in linear_int8.glsl, but never kGated
layout(constant_id = 2) const uint kSlices = 8;
layout(constant_id = 3) const bool kFactored = false;  // rows of x have factors
const uint kTokens = 16 * kEach;

shared ivec4 weight_[kAtOnce][2][kRows];
shared vec4 weight_scale_[kAtOnce][kRows];  // two scales, two leasts
shared ivec4 x_[kAtOnce][2][kTokens];
shared vec4 x_scale_[kAtOnce][kTokens];

void load_weights(uint64_t panel, uint row, uint to_row, uint stretch, uint s) {
  const uint each = kBlockValues / 32;
  const Group g = load_group(panel + stretch / each * 16 * kBlockBytes, row, stretch % each, tables);
  weight_[s][0][to_row] = ivec4(g.quants[0], g.quants[1], g.quants[2], g.quants[3]);
  weight_[s][1][to_row] = ivec4(g.quants[4], g.quants[5], g.quants[6], g.quants[7]);
  weight_scale_[s][to_row] = vec4(g.scale[0], g.scale[1], g.least[0], g.least[1]);
}

void main() {
  const uint lane = gl_LocalInvocationID.x, live = live_rows(step, rows);
  const uint begin = gl_WorkGroupID.y * kRows, token = gl_WorkGroupID.x * kTokens;
  if (token >= live) return;
  const uint stretches = depth / 32, length = slice_length(depth, kSlices);
  const uint my_row = lane % kRows, my_stretch = lane / kRows;  // what this lane unpacks
  const uint row = first + min(begin + my_row, columns - 1);
  const uint64_t panel = panel_of(weight, row);
  const uint r0 = lane % 8, t0 = lane / 8;  // what it multiplies: rows r0, r0 + 8, …, tokens t0, t0 + 16, …

  float total[8][kEach], sum[8][kEach];
  [[unroll]] for (uint r = 0; r < 8; ++r) {
    [[unroll]] for (uint t = 0; t < kEach; ++t) total[r][t] = sum[r][t] = 0;
  }
  for (uint base = 0; base < stretches; base += kAtOnce) {
    barrier();
    if (base + my_stretch < stretches) load_weights(panel, row % 16, my_row, base + my_stretch, my_stretch);
    for (uint i = lane; i < kTokens * kAtOnce; i += kLanes) {
      const uint t = i % kTokens, s = i / kTokens;
      if (base + s >= stretches) continue;
      const uint at = min(token + t, live - 1) * stretches + base + s;
      x_[s][0][t] = Numbers(x).at[at * 2];
      x_[s][1][t] = Numbers(x).at[at * 2 + 1];
      x_scale_[s][t] = Scales(scales).at[at];
    }
    barrier();
    for (uint s = 0; s < kAtOnce && base + s < stretches; ++s) {
      if ((base + s) % length == 0) {  // a slice is over
        [[unroll]] for (uint r = 0; r < 8; ++r) {
          [[unroll]] for (uint t = 0; t < kEach; ++t) {
            total[r][t] += sum[r][t];
            sum[r][t] = 0;
          }
        }
      }
      ivec4 x0[kEach], x1[kEach];
      vec4 xs[kEach];
      [[unroll]] for (uint t = 0; t < kEach; ++t) {
        x0[t] = x_[s][0][t0 + 16 * t];
        x1[t] = x_[s][1][t0 + 16 * t];
        xs[t] = x_scale_[s][t0 + 16 * t];
      }
      [[unroll]] for (uint r = 0; r < 8; ++r) {
        const ivec4 w0 = weight_[s][0][r0 + 8 * r], w1 = weight_[s][1][r0 + 8 * r];
        const vec4 ws = weight_scale_[s][r0 + 8 * r];
        [[unroll]] for (uint t = 0; t < kEach; ++t) {
          sum[r][t] = add_product(sum[r][t], dot16(w0, x0[t]), dot16(w1, x1[t]), ws.xy, ws.zw, xs[t], kTwoScales, kHasLeast);
        }
      }
    }
  }

  [[unroll]] for (uint t = 0; t < kEach; ++t) {
    const uint out_row = token + t0 + 16 * t;
    const float factor = kFactored ? more.factors.at[min(out_row, live - 1)] : 1;
    [[unroll]] for (uint r = 0; r < 8; ++r) {
      const uint column = begin + r0 + 8 * r;
      if (out_row >= live || column >= columns) continue;
      float result = total[r][t] + sum[r][t];
      if (kFactored) result = scaled(result, factor);
      to.at[out_row * columns + column] = finished(result, kKind, out_row, column);
    }
  }
}
