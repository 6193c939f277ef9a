// Up to 32 rows, rounded to int8, times a weight in panels, which is read once for all of them. A workgroup computes 16
// columns of the result, or 32 where it rounds them in turn: lane l takes the row l % 16 of each panel and one slice of its
// values; then the slices' sums are added in order, a lane for each number of the result. Rows that are not live are
// computed too (they cost less than to ask) and thrown away. kNormed ends with what an add_norm behind it would do, but for
// the root mean square, which whoever multiplies with its result finds from the squares. Included behind
// quant/<format>.glsl, of block formats only.
#define CHAINED
#define VULKAN_MEMORY_MODEL
#include "lib/step.glsl"
#include "lib/activations.glsl"
#include "lib/int8.glsl"
#include "lib/product.glsl"
#include "lib/chain.glsl"
#include "lib/rms.glsl"

layout(local_size_x_id = 3) in;                       // 16 · slices
layout(constant_id = 0) const uint kTokens = 1;       // rows of x at once
layout(constant_id = 1) const uint kKind = 0;
layout(constant_id = 2) const bool kExperts = false;  // each row has an expert of its own
layout(constant_id = 4) const uint kEnd = 0;
layout(constant_id = 5) const uint kFactor = 0;
layout(constant_id = 6) const uint kDeep = 1;         // stretches that are on their way from memory at once
layout(constant_id = 7) const bool kChained = false;  // it may stand in a chain
const bool kAsksAhead = kChained && kTokens <= 2;     // more rows need the registers
const bool kQuantise = kEnd != kAsIs;
const uint kLanes = gl_WorkGroupSize.x, kSlices = kLanes / 16, kPanels = kQuantise ? 2 : 1, kColumns = 16 * kPanels;

// Stretch `stretch` + d of a slice, or the slice's last. Slices begin with an even one, and so do pairs.
Group read_group(uint64_t panel, uint row, uint stretch, uint d, uint end) {
  const uint each = kBlockValues / 32;
#ifdef LOADS_PAIRS
  if (kDeep % 2 == 0) {
    const uint pair = min(stretch + d / 2 * 2, end - 2) / 2;
    return load_of_pair(panel + pair * 2 / each * 16 * kBlockBytes, row, pair % (each / 2), d % 2, tables);
  }
#endif
  const uint at = min(stretch + d, end - 1);
  return load_group(panel + at / each * 16 * kBlockBytes, row, at % each, tables);
}

struct Stretch {  // of a row of x
  ivec4 first_half, second_half;
  vec4 scale;
};

Stretch stretch_of_x(uint token, uint stretch) {
  const uint at = (kExperts ? token / x_rows : token) * (depth / 32) + stretch;  // others have a row of x each: nothing to divide
  return Stretch(Numbers(x).at[at * 2], Numbers(x).at[at * 2 + 1], Scales(scales).at[at]);
}

float multiply(const Group g, const Stretch of_x, float sum) {
  const int first_half = dot16(ivec4(g.quants[0], g.quants[1], g.quants[2], g.quants[3]), of_x.first_half);
  const int second_half = dot16(ivec4(g.quants[4], g.quants[5], g.quants[6], g.quants[7]), of_x.second_half);
  return add_product(sum, first_half, second_half, vec2(g.scale[0], g.scale[1]), vec2(g.least[0], g.least[1]), of_x.scale,
                     kTwoScales, kHasLeast);
}

// Rows whose sums are added at once: they fit shared memory, and each number of the result has a lane.
const uint kFit = 4096 / (kSlices * kColumns), kHaveLanes = kSlices / kPanels, kMost = kFit < kHaveLanes ? kFit : kHaveLanes;
const uint kAtOnce = kMost < kTokens ? kMost : kTokens;
shared float sums_[kAtOnce][kSlices][kColumns];
shared float results_[kQuantise ? kAtOnce : 1][32];
const uint kRounding = kAtOnce * 8;
const bool kHalves = false;
const uint kHalfRows = 1, kClasses = 1;
#include "lib/quantise_four.glsl"

shared float row_squares_[kFactor == kSquares ? kTokens : 1][kRmsLanes];

void add_squares(Floats squares, uint token) {
  const uint parts = depth / 32;
  for (uint i = gl_LocalInvocationID.x; i < kTokens * kRmsLanes; i += kLanes) {
    float sum = 0;
    for (uint p = i % kRmsLanes; p < parts; p += kRmsLanes) sum += squares.at[(token + i / kRmsLanes) * parts + p];
    row_squares_[i / kRmsLanes][i % kRmsLanes] = sum;
  }
}

// Of row token + t.
float factor_of(uint token, uint t) {
  if (kFactor == kSquares) return rms_factor(row_squares_[t], depth, more.epsilon);
  return more.factors.at[token + t];
}

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
    [[unroll]] for (uint s = 0; s < kSlices; ++s) total += sums_[lane / kColumns][s][lane % kColumns];
  }
  return total;
}

// What a result that is rounded in turn ends with, asked for while slices are still to be added up.
struct End {
  uint64_t numbers, scales, squares;
  float norm_weight[4];  // of this lane's numbers in round()
};

End ask_end(uint begin) {
  End end;
  if (!kQuantise) return end;
  end.numbers = more.to_numbers;
  end.scales = more.to_scales;
  if (kEnd == kNormed) {
    end.squares = uint64_t(more.to_squares);
    [[unroll]] for (uint j = 0; j < 4; ++j) end.norm_weight[j] = more.norm_weight.at[begin + gl_LocalInvocationID.x % 8 * 4 + j];
  }
  return end;
}

// What is in results_: rows token … token + kAtOnce, 32 columns from `begin` on.
void round(const End end, uint token, uint begin, uint live) {
  const uint lane = gl_LocalInvocationID.x, t = lane / 8, four = lane % 8 * 4;
  const bool mine = lane < kRounding && token + t < live;
  const uint at = (token + t) * columns + begin + four;
  barrier();
  float x[4] = float[4](0, 0, 0, 0);
  if (mine) {
    [[unroll]] for (uint j = 0; j < 4; ++j) x[j] = results_[t][four + j];
  }
  if (kEnd == kNormed) {
    const float squares = squares_of_block(x, lane);
    if (mine && four == 0) Floats(end.squares).at[at / 32] = squares;
    if (mine) {
      [[unroll]] for (uint j = 0; j < 4; ++j) x[j] *= end.norm_weight[j];
    }
  }
  quantise_four(x, Numbers(end.numbers), Scales(end.scales), lane, token + t, begin + four, columns, mine);
}

// kDeep stretches of the rows, or fewer where the slice ends: they are asked for first and multiplied then.
struct Groups {
  Group one[kPanels], two[kPanels];
};

void read_groups(uint64_t one, uint64_t two, const uint row[kPanels], uint stretch, uint end, out Groups groups[kDeep]) {
  [[unroll]] for (uint d = 0; d < kDeep; ++d) {
    [[unroll]] for (uint p = 0; p < kPanels; ++p) {
      groups[d].one[p] = read_group(panel_of(one, row[p]), row[p] % 16, stretch, d, end);
      if (kKind == kGated) groups[d].two[p] = read_group(panel_of(two, row[p]), row[p] % 16, stretch, d, end);
    }
  }
}

void add_groups(const Groups groups[kDeep], uint token, uint stretch, uint end, inout float sum[kPanels][kTokens],
                inout float sum_of_second[kPanels][kTokens]) {
  [[unroll]] for (uint d = 0; d < kDeep; ++d) {
    if (stretch + d >= end) break;
    [[unroll]] for (uint t = 0; t < kTokens; ++t) {
      const Stretch of_x = stretch_of_x(token + t, stretch + d);
      [[unroll]] for (uint p = 0; p < kPanels; ++p) {
        sum[p][t] = multiply(groups[d].one[p], of_x, sum[p][t]);
        if (kKind == kGated) sum_of_second[p][t] = multiply(groups[d].two[p], of_x, sum_of_second[p][t]);
      }
    }
  }
}

// What becomes of the sums: columns `begin` and on of rows token and on.
void end_rows(const float sum[kPanels][kTokens], const float sum_of_second[kPanels][kTokens], uint token, uint begin, uint live) {
  const uint lane = gl_LocalInvocationID.x;
  const End ending = ask_end(begin);
  for (uint base = 0; base < kTokens; base += kAtOnce) {
    const uint t = base + lane / kColumns, column = begin + lane % kColumns, at = (token + t) * columns + column;
    const bool mine = lane < kAtOnce * kColumns && token + t < live && column < columns;
    float residual = 0;
    if (kEnd == kNormed && mine) residual = more.residual.at[at];
    float result = sum_of_slices(sum, base);
    const float factor = kFactor != kNone && mine ? factor_of(token, t) : 1;  // behind a barrier
    if (kFactor != kNone) result = scaled(result, factor);
    if (kKind == kGated) {
      float up = sum_of_slices(sum_of_second, base);
      if (kFactor != kNone) up = scaled(up, factor);
      result = activate(act, result) * up;
    }
    if (mine) {
      result = finished(result, kKind, token + t, column);
      if (kEnd == kNormed) {
        result += residual;
        more.to_sum.at[at] = result;
      } else {
        to.at[at] = result;
      }
    }
    if (kQuantise) {
      if (lane < kAtOnce * kColumns) results_[lane / kColumns][lane % kColumns] = result;
      round(ending, token + base, begin, live);
    }
  }
}

void compute() {
  const uint lane = gl_LocalInvocationID.x, slice = lane / 16;
  const uint live = live_rows(step, rows) * used, token = gl_WorkGroupID.x * kTokens;
  const uint begin = gl_WorkGroupID.y * kColumns;
  if (kAsksAhead) look();
  const bool knows_at_once = !kAsksAhead || kExperts;  // of experts many rows may be dead; else the answer would be waited for
  if (knows_at_once && token >= live) return;
  const uint64_t one = matrix(weight, kExperts, token), two = kKind == kGated ? matrix(second, kExperts, token) : 0;
  const uint length = slice_length(depth, kSlices), end = min((slice + 1) * length, depth / 32);

  float sum[kPanels][kTokens], sum_of_second[kPanels][kTokens];
  uint row[kPanels];
  [[unroll]] for (uint p = 0; p < kPanels; ++p) {
    row[p] = first + min(begin + p * 16 + lane % 16, columns - 1);
    [[unroll]] for (uint t = 0; t < kTokens; ++t) sum[p][t] = sum_of_second[p][t] = 0;
  }
  Floats squares = to;
  if (kFactor == kSquares) squares = more.factors;
  if (!kAsksAhead) {
    if (kChained) wait();
    if (kFactor == kSquares) add_squares(squares, token);
  }
  for (uint done = 0; done < length; done += kDeep) {  // as often by all lanes, since they may wait in it for each other
    const uint stretch = slice * length + done;
    Groups groups[kDeep];
    read_groups(one, two, row, stretch, end, groups);
    if (kAsksAhead && done == 0) {  // the first weights are asked for before x is there
      wait();
      if (token >= live) return;
      if (kFactor == kSquares) add_squares(squares, token);
    }
    add_groups(groups, token, stretch, end, sum, sum_of_second);
  }
  end_rows(sum, sum_of_second, token, begin, live);
}

void main() {
  compute();
  if (kChained) pass_on();
}
