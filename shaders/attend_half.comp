// Attention whose two products are the matrix unit's (VK_KHR_cooperative_matrix), in halves, summed in float32; softmax and joining are
// lib/attend.glsl's. For any number of rows, from one on, to the same bits: what a row comes to does not depend on others in its matrix.
//
// A workgroup has up to kTile rows, its subgroups kM of them each; those of the same rows share the work in blocks: of kBlock positions
// for scores, of kBlock of the head's values for results. Each lane fills its places in the unit's operands (lib/lanes.glsl), with keys
// and values straight from the cache. Both lie there as rows of what is added up over: [value, position] of keys, [position, value] of
// values. A lane reads pairs of such a row and has one of the two in each of two matrices; so number c of a block is column c / 2 of
// matrix c % 2.
//
// Of few tokens (kNew) each workgroup puts the step's own keys and values that it reads in the cache first; others put the same there.
#version 460
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#pragma use_vulkan_memory_model
#define MEMORY_IS nonprivate
#define ON_UNIT
layout(constant_id = 12) const uint kM = 16;       // the matrix unit's shape
layout(constant_id = 13) const uint kN = 8;
layout(constant_id = 14) const uint kK = 16;
layout(constant_id = 15) const uint kLayout = 1;  // as lib/lanes.glsl names it
layout(constant_id = 16) const uint kSubgroups = 8;
layout(constant_id = 17) const bool kNew = false;
#include "lib/lanes.glsl"
#include "lib/attend.glsl"
#include "lib/new_tokens.glsl"

#define Sums coopmat<float, gl_ScopeSubgroup, kM, kN, gl_MatrixUseAccumulator>
#define OfRows coopmat<float16_t, gl_ScopeSubgroup, kM, kK, gl_MatrixUseA>
#define OfBlock coopmat<float16_t, gl_ScopeSubgroup, kK, kN, gl_MatrixUseB>

const uint kBlock = 2 * kN, kRowPieces = (kTile + kM - 1) / kM, kBeside = kSubgroups / kRowPieces;
const uint kQueryLine = kFours + 2;                // banks of memory differ
shared uvec2 query_[kTile * kQueryLine];           // halves

uint row_begin() { return gl_SubgroupID % kRowPieces * kM; }  // of this subgroup's rows

void pass_on() {}

uvec2 halves_of(vec4 four) {
  four = cut_to_half(four);
  return uvec2(packHalf2x16(four.xy), packHalf2x16(four.zw));
}

// Scores and results lie as matrices of a block follow each other.
vec4 four_at(uint line, uint four) {
  vec4 found;
  [[unroll]] for (uint i = 0; i < 4; ++i) {
    const uint in_block = four % (kBlock / 4) * 4 + i, at = in_block % 2 * kN + in_block / 2;
    found[i] = partial_[line + four / (kBlock / 4) * (kBlock / 4) + at / 4][at % 4];
  }
  return found;
}

// In the place of scores that nobody needs any more, as halves in order.
void put_weight(uint row, uint quad, vec4 weight) {
  const vec2 halves = uintBitsToFloat(halves_of(weight));
  const uint at = row * kSumLanes + quad / 2, first = quad % 2 * 2;
  partial_[at][first] = halves.x;
  partial_[at][first + 1] = halves.y;
}

// Each subgroup weighs whole rows, every kSubgroups-th. Arrays are as long as they may have to be, as kMostOwn says: subgroups have 4
// lanes at least, and 64 at most.
const uint kMostRows = 4, kMostQuads = 8;
const uint kOwnRows = (kTile + kSubgroups - 1) / kSubgroups, kSubgroupSize = kLanes / kSubgroups;
const uint kLaneQuads = kSubgroupSize < kQuads ? kQuads / (kSubgroupSize > 0 ? kSubgroupSize : 1) : 1;
Seen seen_[kMostRows];

void look_at_positions(Rows rows) {
  [[unroll]] for (uint i = 0; i < kOwnRows; ++i) {
    const uint row = i * kSubgroups + gl_SubgroupID;
    seen_[i] = row < rows.count ? seen_by(rows.token + row / rows.heads) : Seen(0, -1);
  }
}

void weigh(uint rows, int begin) {
  [[unroll]] for (uint i = 0; i < kOwnRows; ++i) {
    const uint row = min(i * kSubgroups + gl_SubgroupID, kTile - 1);
    const bool is_own = i * kSubgroups + gl_SubgroupID < rows;
    vec4 score[kMostQuads];
    float most = kNone, sum = 0;
    [[unroll]] for (uint k = 0; k < kLaneQuads; ++k) {
      const uint quad = k * kSubgroupSize + gl_SubgroupInvocationID;
      score[k] = quad < kQuads ? score_of(four_at(row * kSumLanes, quad), seen_[i], begin + int(quad * 4)) : vec4(kNone);
      most = max(most, largest_of(score[k]));
    }
    most = subgroupMax(most);
    subgroupBarrier();  // all of the row is read; by all subgroups, since Mesa's llvmpipe lets the whole workgroup wait for it
    [[unroll]] for (uint k = 0; k < kLaneQuads; ++k) {
      const uint quad = k * kSubgroupSize + gl_SubgroupInvocationID;
      const vec4 weight = weights_below(most, score[k]);
      if (is_own && quad < kQuads) put_weight(row, quad, weight);
      sum += sum_of(weight);
    }
    sum = subgroupAdd(sum);
    if (is_own && subgroupElect()) {
      row_largest_[row] = most;
      row_sum_[row] = sum;
    }
  }
  barrier();
}

// What is added up over in step `step_` of the unit: of this lane's value v.
uint at_of(uint step_, uint v) { return step_ * kK + lane_class() * kLaneValues + v; }

OfRows queries_of(uint row, uint step_) {
  OfRows queries;
  [[unroll]] for (uint r = 0; r < kLaneRows; ++r) {
    [[unroll]] for (uint v = 0; v < kLaneValues; ++v) {
      const uint at = at_of(step_, v), in_four = kLaneValues % 4 == 0 ? v % 4 : at % 4;
      const uvec2 four = query_[(row + lane_row(r)) * kQueryLine + at / 4];
      queries[place_in_lane(r, v)] = unpackFloat2x16(four[in_four / 2])[in_four % 2];
    }
  }
  return queries;
}

OfRows weights_of(uint row, uint step_) {
  OfRows weights;
  [[unroll]] for (uint r = 0; r < kLaneRows; ++r) {
    [[unroll]] for (uint v = 0; v < kLaneValues; ++v) {
      const uint at = at_of(step_, v), in_pair = kLaneValues % 2 == 0 ? v % 2 : at % 2;
      const float pair = partial_[(row + lane_row(r)) * kSumLanes + at / 8][at / 2 % 4];
      weights[place_in_lane(r, v)] = unpackFloat2x16(floatBitsToUint(pair))[in_pair];
    }
  }
  return weights;
}

// A pair of halves: of keys of value d of the head, from an even position on; of values of that position, from an even d on. Halves of the
// cache are not made floats, for which a compiler would wait.
uint pair_of_four(Place place, uint from, uint d, const bool of_key) {
  const vec4 four = read_four(kFormat, place, d, of_key);
  return packHalf2x16(cut_to_half(from % 4 == 0 ? four.xyzw : four.zwxy).xy);
}

uint keys_at(uint64_t page, uint position, uint d) {
  if (kFormat == kF16) return word_at(key_place(kF16, page, kDim, position, d).first);
  return pair_of_four(key_place(kFormat, page, kDim, position & ~3u, d), position, d, true);
}

uint values_at(uint64_t page, uint position, uint d) {
  if (kFormat == kF16) return word_at(value_place(kF16, page, kDim, position, d).first);
  return pair_of_four(value_place(kFormat, page, kDim, position, d & ~3u), d, d & ~3u, false);
}

// Nothing is infinite, since it may be multiplied with a weight of 0.
f16vec2 finite(uint pair) {
  const f16vec2 most = f16vec2(kMostHalf);
  return clamp(unpackFloat2x16(pair), -most, most);
}

// The step's own go where all others are.
void write_new(Text text, int from) {
  const uint64_t new_keys = uint64_t(more.new_keys), new_values = uint64_t(more.new_values);
  for (uint tokens = new_of(text, from, kStretch); tokens != 0; tokens &= tokens - 1) {
    const New token = new_token(text, uint(findLSB(tokens)));
    const Pairs pairs = read_new(new_keys, new_values, text, token.token);
    if (gl_LocalInvocationID.x >= kDim / 2) continue;
    for (uint i = 0; i < 2; ++i) put_in_cache(token, gl_LocalInvocationID.x + i * kDim / 2, cache_bits(pairs, i));
  }
  controlBarrier(gl_ScopeWorkgroup, gl_ScopeWorkgroup, gl_StorageSemanticsBuffer,
                 gl_SemanticsAcquireRelease | gl_SemanticsMakeAvailable | gl_SemanticsMakeVisible);
}

void read_stretch(Text text, Rows rows, int from, bool is_first) {
  if (kNew) write_new(text, from);
  if (!is_first) return;
  load_queries(rows);
  for (uint i = gl_LocalInvocationID.x; i < rows.count * kFours; i += kLanes) {
    query_[i / kFours * kQueryLine + i % kFours] = halves_of(head_[i]);
  }
  barrier();
}

bool is_seen(Text text, int begin, uint count) { return begin <= text.last && begin + int(count) > text.first; }

void put_block(const Sums sum[2], uint line, uint block, uint length) {
  [[unroll]] for (uint w = 0; w < 2; ++w) {
    coopMatStore(sum[w], partial_, line + (block * kBlock + w * kN) / 4, length, gl_CooperativeMatrixLayoutRowMajor);
  }
}

void add_scores(Text text, Rows rows, int from) {
  const uint row = row_begin();
  for (uint block = gl_SubgroupID / kRowPieces; block < kStretch / kBlock; block += kBeside) {
    const int begin = from + int(block * kBlock);
    if (!is_seen(text, begin, kBlock)) continue;
    const uint64_t page = page_of(keys, text, begin);
    Sums sum[2];
    sum[0] = sum[1] = Sums(0);
    [[unroll]] for (uint i = 0; i < kDim / kK; ++i) {
      OfBlock some_keys[2];
      [[unroll]] for (uint t = 0; t < kLaneTokens; ++t) {
        [[unroll]] for (uint v = 0; v < kLaneValues; ++v) {
          const f16vec2 pair = unpackFloat2x16(keys_at(page, uint(begin) % kPageTokens + lane_token(t) * 2, at_of(i, v)));
          [[unroll]] for (uint w = 0; w < 2; ++w) some_keys[w][place_in_lane(t, v)] = pair[w];
        }
      }
      const OfRows queries = queries_of(row, i);
      [[unroll]] for (uint w = 0; w < 2; ++w) sum[w] = coopMatMulAdd(queries, some_keys[w], sum[w]);
    }
    put_block(sum, row * kSumLanes, block, kSumLanes);
  }
}

const uint kOwnBlocks = (kDim / kBlock + kBeside - 1) / kBeside;

void add_values(Text text, Rows rows, int from) {
  const uint row = row_begin(), beside = gl_SubgroupID / kRowPieces;
  Sums sum[kOwnBlocks][2];
  [[unroll]] for (uint own = 0; own < kOwnBlocks; ++own) sum[own][0] = sum[own][1] = Sums(0);
  for (uint page_begin = 0; page_begin < kStretch; page_begin += kPageTokens) {
    const int begin = from + int(page_begin);
    if (!is_seen(text, begin, kPageTokens)) continue;
    const uint64_t page = page_of(values, text, begin);
    const uint first = uint(max(text.first - begin, 0)), last = uint(text.last - begin);
    [[unroll]] for (uint i = 0; i < kPageTokens / kK; ++i) {
      const OfRows weights = weights_of(row, page_begin / kK + i);
      [[unroll]] for (uint own = 0; own < kOwnBlocks; ++own) {
        const uint d = min((own * kBeside + beside) * kBlock, kDim - kBlock);
        OfBlock some_values[2];
        [[unroll]] for (uint t = 0; t < kLaneTokens; ++t) {
          [[unroll]] for (uint v = 0; v < kLaneValues; ++v) {
            const uint position = at_of(i, v), pair = values_at(page, position, d + lane_token(t) * 2);
            const f16vec2 seen = finite(position >= first && position <= last ? pair : 0);  // else it may be anything
            [[unroll]] for (uint w = 0; w < 2; ++w) some_values[w][place_in_lane(t, v)] = seen[w];
          }
        }
        [[unroll]] for (uint w = 0; w < 2; ++w) sum[own][w] = coopMatMulAdd(weights, some_values[w], sum[own][w]);
      }
    }
  }
  barrier();  // all have read the weights
  [[unroll]] for (uint own = 0; own < kOwnBlocks; ++own) {
    const uint block = own * kBeside + beside;
    if (block < kDim / kBlock) put_block(sum[own], line_of_result(0, row), block, kResultFours);
  }
}
