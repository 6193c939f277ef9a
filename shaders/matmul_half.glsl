// Rows of x in halves times a weight in panels, on the GPU's matrix unit (VK_KHR_cooperative_matrix), summed in float32. Any
// number of rows goes through here, to the same bits: the products of a slice are added by the unit in one order, then come
// the slices, in order.
//
// Each subgroup computes kRowPieces · kTokenPieces matrices of kM × kN sums, of as many rows of the weight and of x, and
// asks nobody else for anything: each lane fills its places in the unit's operands from its own registers. Which places
// these are is the driver's choice; lib/lanes.glsl has those that we know. Values of a row may meet in any order, as long
// as it is the same for x: so a lane takes whole stretches of 32, kClasses lanes those that follow each other (a span), and
// any block format is read as every other kernel reads it. The next span is on its way from memory while one is multiplied.
//
// Subgroups of a workgroup lie side by side along both, so that what they read is in their processor's cache; or, where
// there are few rows, each takes one of the kParts slices, which are added at the end. Workgroups that multiply with the
// same rows of the weight follow each other.
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#include "lib/step.glsl"
#include "lib/activations.glsl"
layout(constant_id = 2) const uint kM = 16;                // the matrix unit's shape
layout(constant_id = 3) const uint kN = 8;
layout(constant_id = 4) const uint kK = 16;
layout(constant_id = 16) const uint kLayout = 1;           // as lib/lanes.glsl names it
#include "lib/lanes.glsl"
const uint kHalfRows = kN;
#include "lib/half.glsl"
#include "lib/product.glsl"
#include "lib/rms.glsl"

layout(local_size_x_id = 1) in;                            // the subgroups' size times their number
layout(constant_id = 5) const uint kAlongRows = 2;         // subgroups
layout(constant_id = 6) const uint kAlongTokens = 4;
layout(constant_id = 7) const uint kParts = 1;             // 1, or as many as there are slices
layout(constant_id = 8) const uint kRowPieces = 2;
layout(constant_id = 9) const uint kTokenPieces = 4;
layout(constant_id = 10) const uint kKind = 0;             // as in linear_int8.glsl
layout(constant_id = 11) const uint kLength = 1;           // spans of a slice
layout(constant_id = 12) const uint kSlices = 1;
layout(constant_id = 13) const uint kFactor = 0;           // rows of x have factors
layout(constant_id = 14) const uint kEnd = 0;
layout(constant_id = 15) const uint kAhead = 1;            // steps of x that are on their way
const uint kLanes = gl_WorkGroupSize.x, kBeside = kAlongRows * kAlongTokens, kSubgroups = kBeside * kParts;
const uint kRows = kM * kRowPieces * kAlongRows, kTokens = kN * kTokenPieces * kAlongTokens;
// Of a gated product every other kM rows are those of up, behind the same rows of gate.
const uint kMatrices = kKind == kGated ? 2 : 1, kColumns = kRows / kMatrices;
uint column_of(uint row) { return gl_WorkGroupID.y * kColumns + row / (kMatrices * kM) * kM + row % kM; }

#define Sums coopmat<float, gl_ScopeSubgroup, kM, kN, gl_MatrixUseAccumulator>
#define Weights coopmat<float16_t, gl_ScopeSubgroup, kM, kK, gl_MatrixUseA>
#define Xs coopmat<float16_t, gl_ScopeSubgroup, kK, kN, gl_MatrixUseB>

const uint kMatrix = kM * kN, kHeld = kRowPieces * kTokenPieces;
shared float results_[kSubgroups * (kParts == 1 ? kMatrices : kHeld) * kMatrix];
shared float sums_[kEnd == kNormed ? kTokens : 1][32], squares_[kEnd == kNormed ? kTokens : 1][8];
shared float row_squares_[kFactor == kSquares ? kTokens : 1][kRmsLanes];
shared float factors_[kFactor == kNone ? 1 : kTokens];

// A pair of halves of a weight. Of a block format: bytes 0 and 2 of a word, or 1 and 3; they become numbers by their bits,
// in front of which stand those of 1024. Where the format has a least, numbers count from the middle, whose weight is mostly near 0: so
// both terms are small, and what rounding them to halves is wrong by.
uint of_1024_ = 0x64806480u;  // behind main()'s first line a number that compilers do not know: two that they know take two instructions
f16vec2 pair_of_bytes(int bytes, uint number, float scale, float least) {
  const uint pair = uint(number == 0 ? bytes : bytes >> 8) & 0x00ff00ffu ^ of_1024_;
  const f16vec2 numbers = unpackFloat2x16(pair) - f16vec2(1152 + kMiddle), scales = f16vec2(cut_to_half(scale * kHalfUnit));
  return kHasLeast ? fma(numbers, scales, f16vec2(cut_to_half(fma(float(kMiddle), scale, least) * kHalfUnit))) : numbers * scales;
}

// What has come, and what is on its way: a span of a block format; a step of plain numbers, as of x. A step is kEights · 8
// values of each lane.
const uint kEights = kLaneValues > 8 ? kLaneValues / 8 : 1, kSteps = 4 / kEights;
const uint kGroups = kRowPieces * kLaneRows;
Group groups_[kPlain ? 1 : kGroups], next_[kPlain ? 1 : kGroups];
uvec4 numbers_[kPlain ? kAhead : 1][kPlain ? kGroups : 1][kEights];
uvec4 xs_[kAhead][kTokenPieces * kLaneTokens][kEights];

uint stretch_of(uint span) { return span * kClasses + lane_class(); }

// The row of the weight and its panel, of the lane's group g.
uint row_of(uint g, uint row_begin) {
  return first + min(column_of(row_begin + g / kLaneRows * kM + lane_row(g % kLaneRows)), columns - 1);
}
uint64_t panel_of_group(uint g, uint row) { return panel_of(g / kLaneRows % kMatrices == 0 ? weight : second, row); }

// Behind the last stretch come weights of scale 0.
void fetch_groups(uint span, uint row_begin) {
  if (kPlain) return;
  const uint stretches = depth / 32, each = kBlockValues / 32, stretch = min(stretch_of(span), stretches - 1);
  [[unroll]] for (uint g = 0; g < kGroups; ++g) {
    const uint row = row_of(g, row_begin);
    Group group = load_group(panel_of_group(g, row) + stretch / each * 16 * kBlockBytes, row % 16, stretch % each, tables);
    [[unroll]] for (uint f = 0; f < 2; ++f) {
      group.scale[f] = stretch_of(span) < stretches ? group.scale[f] : 0;
      group.least[f] = stretch_of(span) < stretches ? group.least[f] : 0;
    }
    next_[kPlain ? 0 : g] = group;
  }
}

// Where each kN rows of x begin; the last with a live one once more in the place of those behind. Its rows that are not live are anything,
// and nobody looks at their sums.
uint64_t pieces_[kTokenPieces];

void find_pieces(uint token_begin, uint live) {
  const uint spans = (depth / 32 + kClasses - 1) / kClasses, first_piece = (gl_WorkGroupID.x * kTokens + token_begin) / kN;
  [[unroll]] for (uint t = 0; t < kTokenPieces; ++t) {
    pieces_[t] = x + uint64_t(min(first_piece + t, (live - 1) / kN) * spans) * (4 * kN * kClasses * 16);
  }
}

// Behind the last stretch come zeros for plain weights. All lanes share where a piece of x begins, so that an address is one addition.
void fetch_step(uint span, uint step_, uint row_begin) {
  const uint stretches = depth / 32, stretch = min(stretch_of(span), stretches - 1);
  [[unroll]] for (uint t = 0; t < kTokenPieces * kLaneTokens; ++t) {
    const uint lane_at = stretch / kClasses * (4 * kN * kClasses) + lane_token(t % kLaneTokens) * kClasses + stretch % kClasses;
    [[unroll]] for (uint i = 0; i < kEights; ++i) {
      xs_[step_ % kAhead][t][i] = Halves8(pieces_[t / kLaneTokens]).at[lane_at + (step_ * kEights + i) * kN * kClasses];
    }
  }
  if (!kPlain) return;
  [[unroll]] for (uint g = 0; g < kGroups; ++g) {
    const uint row = row_of(g, row_begin);
    [[unroll]] for (uint i = 0; i < kEights; ++i) {
      const uint eight = stretch * 4 + step_ * kEights + i;
      const uvec4 eight_numbers = piece(panel_of_group(g, row) + uint64_t(eight) * 256, row % 16, 0);
      numbers_[step_ % kAhead][kPlain ? g : 0][i] = stretch_of(span) < stretches ? eight_numbers : uvec4(0);
    }
  }
}

// Of the lane's group g the half that meets value v of this step in x.
float16_t weight_at(uint g, uint step_, uint v) {
  if (kPlain) {
    const uint in_row = with_middle_swapped(v);
    const vec2 pair = pair_of(numbers_[step_ % kAhead][kPlain ? g : 0][in_row / 8][in_row / 2 % 4]);
    return float16_t(cut_to_half(pair[in_row % 2] * kHalfUnit));
  }
  const uint word = step_ * kEights * 2 + v / 4, half_ = kTwoScales ? word / 4 : 0;
  const Group group = groups_[kPlain ? 0 : g];
  return pair_of_bytes(group.quants[word], v / 2 % 2, group.scale[half_], group.least[half_])[v % 2];
}

Sums sum_[kHeld], total_[kHeld];  // of a slice, of all slices before

// A step's values, kLaneValues of each stretch at a time.
void multiply(uint step_) {
  [[unroll]] for (uint begin = 0; begin < kEights * 8; begin += kLaneValues) {
    Xs xs[kTokenPieces];
    [[unroll]] for (uint t = 0; t < kTokenPieces; ++t) {
      [[unroll]] for (uint r = 0; r < kLaneTokens; ++r) {
        [[unroll]] for (uint v = 0; v < kLaneValues; ++v) {
          const uint at = begin + v;
          const f16vec2 pair = unpackFloat2x16(xs_[step_ % kAhead][t * kLaneTokens + r][at / 8][at / 2 % 4]);
          xs[t][place_in_lane(r, v)] = pair[at % 2];
        }
      }
    }
    [[unroll]] for (uint p = 0; p < kRowPieces; ++p) {
      Weights weights;
      [[unroll]] for (uint r = 0; r < kLaneRows; ++r) {
        [[unroll]] for (uint v = 0; v < kLaneValues; ++v) {
          weights[place_in_lane(r, v)] = weight_at(p * kLaneRows + r, step_, begin + v);
        }
      }
      [[unroll]] for (uint t = 0; t < kTokenPieces; ++t) {
        sum_[p * kTokenPieces + t] = coopMatMulAdd(weights, xs[t], sum_[p * kTokenPieces + t]);
      }
    }
  }
}

void find_factors(uint live) {
  const uint begin = gl_WorkGroupID.x * kTokens, lane = gl_LocalInvocationID.x, parts = depth / 32;
  if (kFactor == kFactors) {
    for (uint t = lane; t < kTokens; t += kLanes) factors_[t] = more.factors.at[min(begin + t, live - 1)];
  }
  if (kFactor == kSquares) {
    for (uint i = lane; i < min(kTokens, live - begin) * kRmsLanes; i += kLanes) {
      float sum = 0;
      for (uint p = i % kRmsLanes; p < parts; p += kRmsLanes) sum += more.factors.at[(begin + i / kRmsLanes) * parts + p];
      row_squares_[i / kRmsLanes][i % kRmsLanes] = sum;
    }
    barrier();
    for (uint t = lane; t < kTokens; t += kLanes) factors_[t] = rms_factor(row_squares_[t], depth, more.epsilon);
  }
}

// `up`: of a gated product.
float finish(float total, float up, uint row, uint token, uint live) {
  const uint column = column_of(row), out_row = gl_WorkGroupID.x * kTokens + token;
  if (column >= columns || out_row >= live) return 0;
  if (kFactor != kNone) {
    total = scaled(total, factors_[token]);
    if (kKind == kGated) up = scaled(up, factors_[token]);
  }
  if (kKind == kGated) total = activate(act, total) * up;
  total = finished(total, kKind, out_row, column);
  const uint at = out_row * columns + column;
  if (kEnd == kNormed) {
    total += more.residual.at[at];
    more.to_sum.at[at] = total;
    put_half(more.to_numbers, out_row, column, columns, total * more.norm_weight.at[column]);
  } else {
    to.at[at] = total;
    if (kEnd == kRounded) put_half(more.to_numbers, out_row, column, columns, total);
  }
  return total;
}

// Of each token's 32 columns, in norm.comp's order.
void add_squares(uint live) {
  const uint lane = gl_LocalInvocationID.x;
  barrier();
  for (uint i = lane; i < kTokens * 8; i += kLanes) {
    float sum = 0;
    [[unroll]] for (uint j = 0; j < 4; ++j) sum = fma(sums_[i / 8][i % 8 * 4 + j], sums_[i / 8][i % 8 * 4 + j], sum);
    squares_[i / 8][i % 8] = sum;
  }
  barrier();
  for (uint t = lane; t < kTokens; t += kLanes) {
    const uint out_row = gl_WorkGroupID.x * kTokens + t;
    if (out_row >= live) continue;
    float sum = squares_[t][0];
    [[unroll]] for (uint i = 1; i < 8; ++i) sum += squares_[t][i];
    more.to_squares.at[out_row * (columns / 32) + gl_WorkGroupID.y] = sum;
  }
}

void main() {
  of_1024_ ^= depth >> 31;
  const uint live = live_rows(step, rows);
  if (gl_WorkGroupID.x * kTokens >= live) return;
  const uint lane = gl_LocalInvocationID.x;
  const uint beside = gl_SubgroupID % kBeside, part = gl_SubgroupID / kBeside;
  const uint row_begin = beside % kAlongRows * kRowPieces * kM, token_begin = beside / kAlongRows * kTokenPieces * kN;
  [[unroll]] for (uint m = 0; m < kHeld; ++m) sum_[m] = total_[m] = Sums(0);

  const uint begin = part * kLength, end = kParts == 1 ? kLength * kSlices : begin + kLength;
  find_pieces(token_begin, live);
  fetch_groups(begin, row_begin);
  [[unroll]] for (uint i = 0; i < kAhead; ++i) fetch_step(begin, i, row_begin);
  uint left = kLength;
  for (uint span = begin; span < end; ++span) {
    [[unroll]] for (uint g = 0; g < (kPlain ? 1 : kGroups); ++g) groups_[g] = next_[g];
    const uint next = min(span + 1, end - 1);
    fetch_groups(next, row_begin);
    [[unroll]] for (uint i = 0; i < kSteps; ++i) {
      multiply(i);
      fetch_step(i + kAhead < kSteps ? span : next, (i + kAhead) % kSteps, row_begin);
    }
    if (kParts == 1 && --left == 0) {
      [[unroll]] for (uint m = 0; m < kHeld; ++m) {
        total_[m] += sum_[m];
        sum_[m] = Sums(0);
      }
      left = kLength;
    }
  }

  find_factors(live);
  barrier();
  if (kParts == 1) {
    [[unroll]] for (uint m = 0; m < kHeld; ++m) {
      if (m / kTokenPieces % kMatrices == 1) continue;
      const uint up = m + kTokenPieces * (kMatrices - 1);
      const uint row = m / kTokenPieces * kM, token = m % kTokenPieces * kN;  // of this subgroup's
      const uint to_gate = gl_SubgroupID * kMatrices * kMatrix, to_up = to_gate + kMatrix;
      subgroupBarrier();
      coopMatStore(total_[m], results_, to_gate, kM, gl_CooperativeMatrixLayoutColumnMajor);
      if (kKind == kGated) coopMatStore(total_[up], results_, to_up, kM, gl_CooperativeMatrixLayoutColumnMajor);
      subgroupBarrier();
      for (uint i = gl_SubgroupInvocationID; i < kMatrix; i += gl_SubgroupSize) {
        finish(results_[to_gate + i], kKind == kGated ? results_[to_up + i] : 0, row_begin + row + i % kM,
               token_begin + token + i / kM, live);
      }
    }
    return;
  }
  [[unroll]] for (uint m = 0; m < kHeld; ++m) {
    coopMatStore(sum_[m], results_, (gl_SubgroupID * kHeld + m) * kMatrix, kM, gl_CooperativeMatrixLayoutColumnMajor);
  }
  barrier();
  // In the order of [part, subgroup beside, row piece, token piece, token, row].
  const uint kRowSteps = kRowPieces / kMatrices;
  for (uint i = lane; i < kBeside * kRowSteps * kTokenPieces * kMatrix; i += kLanes) {
    const uint piece = i / kMatrix, t = piece % kTokenPieces, r = piece / kTokenPieces % kRowSteps;
    const uint other = piece / kTokenPieces / kRowSteps;
    float gate = 0, up = 0;
    for (uint p = 0; p < kParts; ++p) {
      const uint matrix = (p * kBeside + other) * kHeld + r * kMatrices * kTokenPieces + t;
      gate += results_[matrix * kMatrix + i % kMatrix];
      if (kKind == kGated) up += results_[(matrix + kTokenPieces) * kMatrix + i % kMatrix];
    }
    const uint row = other % kAlongRows * kRowPieces * kM + r * kMatrices * kM + i % kM;
    const uint token = other / kAlongRows * kTokenPieces * kN + t * kN + i / kM % kN;
    gate = finish(gate, up, row, token, live);
    if (kEnd == kNormed) sums_[token][row % 32] = gate;
  }
  if (kEnd == kNormed) add_squares(live);
}
