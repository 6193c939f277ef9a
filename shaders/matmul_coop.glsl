// Many rows, rounded to int8, times a weight in panels, on the GPU's matrix unit (VK_KHR_cooperative_matrix). Products of
// int8 are exact, and what floats are made of them is lib/int8.glsl's formula in linear_int8.glsl's order: the same bits.
//
// A workgroup computes kRows columns of the result (rows of the weight) for kTokens rows of x. Its subgroups lie side by
// side along both, each with kRowPieces · kTokenPieces matrices of kM × kN sums; where those are too few to keep a GPU
// busy, kParts of them share a matrix and each takes a slice in turn, then the slices' sums are added in order. Stretches
// of 32 values are unpacked into shared memory, kAtOnce of each part, while the next ones are on their way from memory to
// registers: between the loads and what is done with the values no branch stands, behind which a compiler would wait for
// them. Workgroups that multiply with the same rows of the weight follow each other, so that these stay in the cache.
//
// Which number of a matrix a lane holds, only the driver knows. So what belongs to a row or to a token is loaded as a
// matrix too, of the same type and from a stride of 0: floats travel as the ints of their bits. Included behind
// quant/<format>.glsl, of block formats only.
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#include "lib/step.glsl"
#include "lib/activations.glsl"
#include "lib/int8.glsl"
#include "lib/product.glsl"

layout(local_size_x_id = 1) in;                            // the subgroups' size times their number
layout(constant_id = 2) const uint kM = 16;                // the matrix unit's shape
layout(constant_id = 3) const uint kN = 16;
layout(constant_id = 4) const uint kK = 32;
layout(constant_id = 5) const uint kAlongRows = 2;         // subgroups
layout(constant_id = 6) const uint kAlongTokens = 4;
layout(constant_id = 7) const uint kParts = 1;
layout(constant_id = 8) const uint kRowPieces = 4;
layout(constant_id = 9) const uint kTokenPieces = 2;
layout(constant_id = 10) const uint kAtOnce = 2;           // a multiple of kLength, or a divisor of it
layout(constant_id = 11) const uint kKind = 0;             // as in linear_int8.glsl
layout(constant_id = 12) const uint kLength = 1;           // stretches of a slice
layout(constant_id = 13) const bool kFactored = false;     // rows of x have factors
const uint kLanes = gl_WorkGroupSize.x, kSubgroups = kAlongRows * kAlongTokens * kParts, kSubgroup = kLanes / kSubgroups;
const uint kRows = kM * kRowPieces * kAlongRows, kTokens = kN * kTokenPieces * kAlongTokens;
// Of a gated product every other kM rows are those of up, behind the same rows of gate: a lane has the numbers of both.
const uint kMatrices = kKind == kGated ? 2 : 1, kColumns = kRows / kMatrices;
uint column_of(uint row) { return gl_WorkGroupID.y * kColumns + row / (kMatrices * kM) * kM + row % kM; }

#define Sums coopmat<int, gl_ScopeSubgroup, kM, kN, gl_MatrixUseAccumulator>
#define Weights coopmat<int8_t, gl_ScopeSubgroup, kM, kK, gl_MatrixUseA>
#define Xs coopmat<int8_t, gl_ScopeSubgroup, kK, kN, gl_MatrixUseB>

// The unit takes kK values at a time, and each such cut of a stretch lies 16 bytes or more from the next. Where one cut is
// a whole stretch of two scales, 16 zeros lie between its halves: either half is multiplied with them instead of the other.
const uint kCuts = 32 / kK, kCut = kK < 16 ? 1 : kK / 16, kStretch = kCuts * kCut;  // the last two in ivec4
const bool kTwice = kTwoScales && kCuts == 1;
const uint kWeightStretch = kTwice ? 3 : kStretch;
const uint kWeightStride = kAtOnce * kWeightStretch | 1, kXStride = kAtOnce * kStretch | 1;  // odd: banks of memory differ
const uint kScales = kTwoScales ? 2 : 1, kWeightFloats = kHasLeast ? 2 * kScales : kScales;
const uint kXFloats = kHasLeast ? 1 + kScales : 1;

const uint kMatrix = kM * kN / 4;  // ivec4 of Sums
const uint kWeights = kParts * kRows * kWeightStride, kResults = kSubgroups * kMatrix * kMatrices;
shared ivec4 weight_[kWeights < kResults ? kResults : kWeights];        // [part, row, stretch]; in the end results
shared ivec4 x_[kParts * kTokens * kXStride];                            // [part, token, stretch]
shared int weight_floats_[kParts * kAtOnce * kWeightFloats * kRows];     // scales, then leasts: [.., row]
shared int x_floats_[kParts * kAtOnce * kXFloats * kTokens];
shared ivec4 slices_[kParts == 1 ? 1 : kSubgroups * kMatrix];                       // sums, one matrix of each subgroup

// Stretches are counted from 0 in every part; a part's slices are each kParts-th.
uint stretch_of(uint counted, uint part) {
  return kParts == 1 ? counted : (counted / kLength * kParts + part) * kLength + counted % kLength;
}

void write_group(const Group g, uint part, uint s, uint row) {
  const uint at = (part * kRows + row) * kWeightStride + s * kWeightStretch;
  [[unroll]] for (uint h = 0; h < 2; ++h) {
    const ivec4 numbers = ivec4(g.quants[4 * h], g.quants[4 * h + 1], g.quants[4 * h + 2], g.quants[4 * h + 3]);
    if (kTwice) {
      weight_[at + 2 * h] = numbers;
      weight_[at + 1] = ivec4(0);
    } else {
      weight_[at + h * kStretch / 2] = numbers;
      if (kK < 16) weight_[at + h * kStretch / 2 + 1].xy = numbers.zw;
    }
  }
  const uint floats = (part * kAtOnce + s) * kWeightFloats * kRows + row;
  [[unroll]] for (uint f = 0; f < kScales; ++f) {
    const uint scale = floats + f * kRows, least = scale + kScales * kRows;
    weight_floats_[scale] = floatBitsToInt(g.scale[f]);
    if (kHasLeast) weight_floats_[least] = floatBitsToInt(g.least[f]);
  }
}

void write_block(const ivec4 numbers[2], vec4 scale, uint part, uint s, uint token) {
  const uint at = (part * kTokens + token) * kXStride + s * kStretch;
  [[unroll]] for (uint h = 0; h < 2; ++h) {
    x_[at + h * kStretch / 2] = numbers[h];
    if (kK < 16) x_[at + h * kStretch / 2 + 1].xy = numbers[h].zw;
  }
  const vec3 kept = kTwoScales ? scale.xyz : scale.xww;
  [[unroll]] for (uint f = 0; f < kXFloats; ++f) {
    x_floats_[((part * kAtOnce + s) * kXFloats + f) * kTokens + token] = floatBitsToInt(kept[f]);
  }
}

// The next kAtOnce stretches of each part, on their way: what each lane unpacks or copies.
const uint kGroups = kParts * kAtOnce * kRows, kGroupsEach = (kGroups + kLanes - 1) / kLanes;
const uint kBlocks = kParts * kAtOnce * kTokens, kBlocksEach = (kBlocks + kLanes - 1) / kLanes;
Group groups_[kGroupsEach];
ivec4 blocks_[kBlocksEach][2];
vec4 block_scales_[kBlocksEach];

struct Place { uint part, s, row; };  // `row` of the weight, or of x
Place place_of_group(uint i) { return Place(i / kRows / kAtOnce % kParts, i / kRows % kAtOnce, i % kRows); }
Place place_of_block(uint i) { return Place(i / kAtOnce / kTokens % kParts, i % kAtOnce, i / kAtOnce % kTokens); }

// From `counted` on. Behind the last stretch come weights of scale 0.
void fetch(uint counted, uint live) {
  const uint stretches = depth / 32, each = kBlockValues / 32;
  [[unroll]] for (uint e = 0; e < kGroupsEach; ++e) {
    const Place at = place_of_group(gl_LocalInvocationID.x + e * kLanes);
    const uint wanted = stretch_of(counted + at.s, at.part), stretch = min(wanted, stretches - 1);
    const uint row = first + min(column_of(at.row), columns - 1);
    const uint64_t panel = panel_of(at.row / kM % kMatrices == 0 ? weight : second, row);
    groups_[e] = load_group(panel + stretch / each * 16 * kBlockBytes, row % 16, stretch % each, tables);
    [[unroll]] for (uint f = 0; f < 2; ++f) {
      groups_[e].scale[f] = wanted < stretches ? groups_[e].scale[f] : 0;
      groups_[e].least[f] = wanted < stretches ? groups_[e].least[f] : 0;
    }
  }
  [[unroll]] for (uint e = 0; e < kBlocksEach; ++e) {
    const Place from = place_of_block(gl_LocalInvocationID.x + e * kLanes);
    const uint stretch = min(stretch_of(counted + from.s, from.part), stretches - 1);
    const uint at = min(gl_WorkGroupID.x * kTokens + from.row, live - 1) * stretches + stretch;
    blocks_[e][0] = Numbers(x).at[at * 2];
    blocks_[e][1] = Numbers(x).at[at * 2 + 1];
    block_scales_[e] = Scales(scales).at[at];
  }
}

// What has come, into shared memory.
void put() {
  [[unroll]] for (uint e = 0; e < kGroupsEach; ++e) {
    const uint i = gl_LocalInvocationID.x + e * kLanes;
    const Place at = place_of_group(i);
    if (i < kGroups) write_group(groups_[e], at.part, at.s, at.row);
  }
  [[unroll]] for (uint e = 0; e < kBlocksEach; ++e) {
    const uint i = gl_LocalInvocationID.x + e * kLanes;
    const Place at = place_of_block(i);
    if (i < kBlocks) write_block(blocks_[e], block_scales_[e], at.part, at.s, at.row);
  }
}

// An int begins as the bits of this float; as long as its last 22 bits hold a sum, its bits are those of the float of both.
const float kBias = 12582912;  // 1.5 · 2^23, of which the last bit is 1
const int kBiasBits = 0x4b400000;

float float_of(int biased) {
  precise float sum = intBitsToFloat(biased) - kBias;
  return sum;
}

Sums sum_[kRowPieces * kTokenPieces], total_[kRowPieces * kTokenPieces];  // of a slice, of all slices before

// Where parts share a matrix, its totals are spread over the lanes.
const uint kTogether = kM * kN * kAlongRows * kAlongTokens, kOwn = (kTogether + kLanes - 1) / kLanes;
float own_[kRowPieces * kTokenPieces][kOwn];

// Adds stretch s of what lies in shared memory.
void multiply(uint part, uint s, uint row_begin, uint token_begin) {
  Xs xs[kTokenPieces * kCuts];
  Sums x_floats[kTokenPieces * kXFloats];
  [[unroll]] for (uint t = 0; t < kTokenPieces; ++t) {
    const uint token = token_begin + t * kN;
    [[unroll]] for (uint c = 0; c < kCuts; ++c) {
      coopMatLoad(xs[t * kCuts + c], x_, (part * kTokens + token) * kXStride + s * kStretch + c * kCut, kXStride,
                  gl_CooperativeMatrixLayoutColumnMajor);
    }
    [[unroll]] for (uint f = 0; f < kXFloats; ++f) {
      coopMatLoad(x_floats[t * kXFloats + f], x_floats_, ((part * kAtOnce + s) * kXFloats + f) * kTokens + token, 0,
                  gl_CooperativeMatrixLayoutRowMajor);
    }
  }
  [[unroll]] for (uint r = 0; r < kRowPieces; ++r) {
    const uint row = row_begin + r * kM;
    Weights weights[kTwice ? 2 : kCuts];
    [[unroll]] for (uint c = 0; c < (kTwice ? 2 : kCuts); ++c) {
      coopMatLoad(weights[c], weight_, (part * kRows + row) * kWeightStride + s * kWeightStretch + c * (kTwice ? 1 : kCut),
                  kWeightStride, gl_CooperativeMatrixLayoutRowMajor);
    }
    Sums floats[kWeightFloats];
    [[unroll]] for (uint f = 0; f < kWeightFloats; ++f) {
      coopMatLoad(floats[f], weight_floats_, ((part * kAtOnce + s) * kWeightFloats + f) * kRows + row, 0,
                  gl_CooperativeMatrixLayoutColumnMajor);
    }
    [[unroll]] for (uint t = 0; t < kTokenPieces; ++t) {
      Sums first_ = Sums(kBiasBits), second_ = Sums(kBiasBits);
      if (kTwice) {
        first_ = coopMatMulAdd(weights[0], xs[t], first_);
        second_ = coopMatMulAdd(weights[1], xs[t], second_);
      } else {
        [[unroll]] for (uint c = 0; c < kCuts; ++c) {
          if (kTwoScales && c >= kCuts / 2) second_ = coopMatMulAdd(weights[c], xs[t * kCuts + c], second_);
          else first_ = coopMatMulAdd(weights[c], xs[t * kCuts + c], first_);
        }
      }
      const uint at = r * kTokenPieces + t, of_x = t * kXFloats;
      [[unroll]] for (int i = 0; i < first_.length(); ++i) {
        vec2 scale = vec2(intBitsToFloat(floats[0][i]), 0), least = vec2(0);
        vec4 of_token = vec4(intBitsToFloat(x_floats[of_x][i]), 0, 0, 0);
        if (kTwoScales) scale.y = intBitsToFloat(floats[kScales - 1][i]);
        if (kHasLeast) {
          least.x = intBitsToFloat(floats[kHasLeast ? kScales : 0][i]);
          of_token.y = of_token.w = intBitsToFloat(x_floats[of_x + (kHasLeast ? 1 : 0)][i]);
          if (kTwoScales) {
            least.y = intBitsToFloat(floats[kWeightFloats - 1][i]);
            of_token.z = intBitsToFloat(x_floats[of_x + kXFloats - 1][i]);
          }
        }
        sum_[at][i] = floatBitsToInt(add_product(intBitsToFloat(sum_[at][i]), float_of(first_[i]), float_of(second_[i]), scale,
                                                 least, of_token, kTwoScales, kHasLeast));
      }
    }
  }
}

// Adds to the totals what a slice has come to, and begins the next.
void end_slice() {
  const uint lane = gl_LocalInvocationID.x;
  [[unroll]] for (uint m = 0; m < kRowPieces * kTokenPieces; ++m) {
    if (kParts == 1) {
      [[unroll]] for (int i = 0; i < sum_[m].length(); ++i) {
        total_[m][i] = floatBitsToInt(intBitsToFloat(total_[m][i]) + intBitsToFloat(sum_[m][i]));
      }
    } else {
      barrier();
      coopMatStore(sum_[m], slices_, gl_SubgroupID * kMatrix, kM / 4, gl_CooperativeMatrixLayoutColumnMajor);
      barrier();
      [[unroll]] for (uint i = 0; i < kOwn; ++i) {
        const uint number = lane + i * kLanes;
        for (uint p = 0; p < kParts && number < kTogether; ++p) {
          const uint at = number + p * kTogether;
          own_[m][i] += intBitsToFloat(slices_[at / 4][at % 4]);
        }
      }
    }
    sum_[m] = Sums(0);
  }
}

// What a row's results are multiplied by.
float factor_of(uint token, uint live) {
  return kFactored ? more.factors.at[min(gl_WorkGroupID.x * kTokens + token, live - 1)] : 1;
}

// `up`: of a gated product.
void finish(float total, float up, uint row, uint token, uint live) {
  const uint column = column_of(row), out_row = gl_WorkGroupID.x * kTokens + token;
  if (column >= columns || out_row >= live) return;
  if (kFactored) total = scaled(total, factor_of(token, live));
  if (kKind == kGated) total = activate(act, total) * (kFactored ? scaled(up, factor_of(token, live)) : up);
  to.at[out_row * columns + column] = finished(total, kKind, out_row, column);
}

void main() {
  const uint live = live_rows(step, rows);
  if (gl_WorkGroupID.x * kTokens >= live) return;
  const uint stretches = depth / 32, of_all = kLength * kParts, counted = (stretches + of_all - 1) / of_all * kLength;
  const uint beside = gl_SubgroupID % (kAlongRows * kAlongTokens), part = gl_SubgroupID / (kAlongRows * kAlongTokens);
  const uint row_begin = beside % kAlongRows * kRowPieces * kM, token_begin = beside / kAlongRows * kTokenPieces * kN;
  [[unroll]] for (uint m = 0; m < kRowPieces * kTokenPieces; ++m) {
    sum_[m] = total_[m] = Sums(0);
    [[unroll]] for (uint i = 0; i < kOwn; ++i) own_[m][i] = 0;
  }

  uint left = kLength;  // of the slice, where it takes more than kAtOnce
  fetch(0, live);
  for (uint from = 0; from < counted; from += kAtOnce) {
    barrier();
    put();
    barrier();
    fetch(from + kAtOnce, live);
    [[unroll]] for (uint s = 0; s < kAtOnce; ++s) {
      multiply(part, s, row_begin, token_begin);
      if (kAtOnce >= kLength && s % kLength == kLength - 1) end_slice();
    }
    if (kAtOnce >= kLength) continue;
    left -= kAtOnce;
    if (left == 0) {
      end_slice();
      left = kLength;
    }
  }
  barrier();

  const uint lane = gl_LocalInvocationID.x;
  [[unroll]] for (uint m = 0; m < kRowPieces * kTokenPieces; ++m) {
    if (m / kTokenPieces % kMatrices == 1) continue;
    const uint up = m + kTokenPieces * (kMatrices - 1);
    const uint row = m / kTokenPieces * kM, token = m % kTokenPieces * kN;  // of this subgroup's
    if (kParts == 1) {
      const uint to_gate = gl_SubgroupID * kMatrix, to_up = (kSubgroups + gl_SubgroupID) * kMatrix;
      subgroupBarrier();
      coopMatStore(total_[m], weight_, to_gate, kM / 4, gl_CooperativeMatrixLayoutColumnMajor);
      if (kKind == kGated) coopMatStore(total_[up], weight_, to_up, kM / 4, gl_CooperativeMatrixLayoutColumnMajor);
      subgroupBarrier();
      for (uint i = gl_SubgroupInvocationID; i < kM * kN; i += kSubgroup) {
        const float total = intBitsToFloat(weight_[to_gate + i / 4][i % 4]);
        const float of_up = kKind == kGated ? intBitsToFloat(weight_[to_up + i / 4][i % 4]) : 0;
        finish(total, of_up, row_begin + row + i % kM, token_begin + token + i / kM, live);
      }
    } else {
      [[unroll]] for (uint i = 0; i < kOwn; ++i) {
        const uint number = lane + i * kLanes, within = number % (kM * kN), other = number / (kM * kN);
        if (number >= kTogether) continue;  // more lanes than numbers
        finish(own_[m][i], own_[up][i], other % kAlongRows * kRowPieces * kM + row + within % kM,
               other / kAlongRows * kTokenPieces * kN + token + within / kM, live);
      }
    }
  }
}
