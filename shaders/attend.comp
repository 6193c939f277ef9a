// Attention over keys and values that are all in the cache, or over a span of rows: lib/attend.glsl.
#version 460
const uint kSides = 1;
#include "lib/attend.glsl"
#include "lib/weigh.glsl"

const uint kMostTile = 8;  // of kTile, as kMostOwn is
const uint kPageRun = kRun < kPageTokens ? kRun : kPageTokens;

void pass_on() {}

void read_stretch(Text text, Rows rows, int from, bool is_first) {
  if (is_first) load_queries(rows);
}

// Where a row of a tensor has a value of a head.
uint64_t row_place(uint64_t rows, Text text, int position, uint d) {
  return rows + ((uint64_t(position) * kKvHeads + text.kv_head) * kDim + d) * 4;
}

// Four values of it, or as many as the head has.
vec4 row_four(uint64_t at, uint d) {
  if (kDim % 4 == 0) return uintBitsToFloat(words4_at(at));
  vec4 four = vec4(0);
  for (uint i = 0; i < 4 && d + i < kDim; ++i) four[i] = Floats(at).at[i];
  return four;
}

// Of four positions' keys the values d to d + 3, each of which is one column.
mat4 read_keys(uint64_t page, Text text, int position, uint d) {
  mat4 key = mat4(0);
  if (kFormat == kRows) {
    [[unroll]] for (int i = 0; i < 4; ++i) key[i] = row_four(row_place(keys, text, min(position + i, text.last), d), d);
    return transpose(key);
  }
  Place place = key_place(kFormat, page, kDim, position % kPageTokens, d);
  const uint64_t first = place.first;
  [[unroll]] for (uint i = 0; i < 4; ++i) {
    place.first = first + i * place.stride;
    if (kDim % 4 == 0 || d + i < kDim) key[i] = read_four(kFormat, place, d + i, true);
  }
  return key;
}

Place value_at(Text text, int position, uint d) {
  if (kFormat == kRows) return Place(row_place(values, text, position, d), 0, 4);
  return value_place(kFormat, page_of(values, text, position), kDim, position % kPageTokens, d);
}

// Values d to d + 3 of the token that is so much later than `place`.
vec4 read_value(Place place, uint tokens, uint d) {
  if (kFormat == kRows) return row_four(place.first + uint64_t(tokens * kKvHeads * kDim) * 4, d);
  place = later_value(kFormat, place, kDim, tokens);
  if (kDim % 4 == 0) return read_four(kFormat, place, d, false);
  vec4 four = vec4(0);
  for (uint i = 0; i < 4 && d + i < kDim; ++i) {
    four[i] = read_place(kFormat, Place(place.first + i * place.stride, place.scale, place.stride), d + i);
  }
  return four;
}

// Parts of the scores of a stretch. `tile`: kTile, or 1 where there is but one row, which reads more at once.
void add_scores_of(const uint tile, Text text, int begin) {
  const uint at_once = tile == 1 ? 8 : 2, lane = gl_LocalInvocationID.x, part = lane / kQuads;
  const bool all_full = kPartFours % at_once == 0 && kParts * kPartFours == kFours;
  const int position = begin + int(lane % kQuads * 4);
  vec4 sums[kMostTile];
  [[unroll]] for (uint r = 0; r < tile; ++r) sums[r] = vec4(0);
  if (position <= text.last && position + 3 >= text.first) {
    const uint64_t page = page_of(keys, text, position);
    for (uint done = 0; done < kPartFours; done += at_once) {
      [[unroll]] for (uint i = 0; i < at_once; ++i) {
        const uint four = part * kPartFours + done + i;
        if (!all_full && (done + i >= kPartFours || four >= kFours)) continue;
        const mat4 key = read_keys(page, text, position, four * 4);
        [[unroll]] for (uint r = 0; r < tile; ++r) {
          const vec4 query = head_[r * kFours + four];
          [[unroll]] for (uint d = 0; d < 4; ++d) sums[r] = fma(vec4(query[d]), key[d], sums[r]);
        }
      }
    }
  }
  [[unroll]] for (uint r = 0; r < tile; ++r) partial_[r * kSumLanes + lane] = sums[r];
}

void add_scores(Text text, Rows rows, int from) {
  if (kTile == 1 || rows.count == 1) add_scores_of(1, text, from);
  else add_scores_of(kTile, text, from);
}

// Parts of the results of a stretch. What is not seen by anyone is not read; what a row does not see, weighs 0.
void add_values_of(const uint tile, Text text, int begin) {
  const uint at_once = tile == 1 || kPageRun < 8 ? kPageRun : 8;
  const uint lane = gl_LocalInvocationID.x, four = lane % kFours, run = lane / kFours;
  if (run < kRuns) {
    vec4 sums[kMostTile];
    [[unroll]] for (uint r = 0; r < tile; ++r) sums[r] = vec4(0);
    for (int from = begin + int(run * kRun); from < begin + int((run + 1) * kRun); from += int(kPageRun)) {
      if (from > text.last || from + int(kPageRun) <= text.first) continue;
      const Place place = value_at(text, from, four * 4);
      const uint first = uint(max(text.first - from, 0)), last = uint(text.last - from);
      for (uint done = 0; done < kPageRun; done += at_once) {
        [[unroll]] for (uint j = 0; j < at_once; j += 4) {
          vec4 value[4];
          [[unroll]] for (uint k = 0; k < 4; ++k) {
            value[k] = read_value(place, clamp(done + j + k, first, last), four * 4);
          }
          [[unroll]] for (uint r = 0; r < tile; ++r) {
            const vec4 weight = weight_[r * kQuads + (from - begin + done + j) / 4];
            [[unroll]] for (uint k = 0; k < 4; ++k) sums[r] = fma(vec4(weight[k]), value[k], sums[r]);
          }
        }
      }
    }
    [[unroll]] for (uint r = 0; r < tile; ++r) partial_[line_of_result(run, r) + four] = sums[r];
  }
}

void add_values(Text text, Rows rows, int from) {
  if (kTile == 1 || rows.count == 1) add_values_of(1, text, from);
  else add_values_of(kTile, text, from);
}
