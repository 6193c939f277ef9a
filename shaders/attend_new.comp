// Attention of few rows over keys and values in f16 that puts the step's own in the cache first (lib/attend.glsl). All others have been
// there since earlier steps: so a workgroup asks for its stretch of them before it waits for whoever makes the step's own
// (lib/chain.glsl), into registers, where those then take their places. Memory is read coherently: pages that one workgroup reads,
// another one may just have written to. It runs once in each layer and finds the processor's instructions gone: so it is short, loads
// have constant offsets, and loops over rows are not unrolled.
#version 460
#define CHAINED
#define MEMORY_IS coherent
const uint kSides = 2;
#include "lib/attend.glsl"
#include "lib/weigh.glsl"
#include "lib/chain.glsl"
#include "lib/new_tokens.glsl"

// As src/device/vulkan/attention_ops.cpp allows: values of a part of a head, positions of a run.
const uint kMostPart = 32, kMostRun = 32;

// Pairs of halves: of each value of a part, those of two positions; of each position of a run, two values.
uint key_words_[kMostPart], value_words_[kMostRun];

// What this lane has of a stretch.
struct Mine {
  uint part, pair;            // of the head's values, of positions
  uint run, four, side;       // of positions, of the head's values, half of the four
};

Mine mine() {
  const uint lane = gl_LocalInvocationID.x, at = lane / 2;
  return Mine(at / kQuads, lane % (2 * kQuads), at / kFours, at % kFours, lane % 2);
}

// Of positions first … last those of a run from `begin` on, as bits.
uint bits_of(int first, int last, int begin) {
  first = max(first - begin, 0);
  last = min(last - begin, int(kRun) - 1);
  return first > last ? 0 : (~0u >> (31 - (last - first))) << first;
}

void ask_keys(Text text, int from) {
  const Mine my = mine();
  const int position = from + int(my.pair * 2);
  if (position <= text.last && position + 1 >= text.first) {
    const uint first = my.part * kPartFours * 4, token = uint(position) % kPageTokens;
    Words words = Words(page_of(keys, text, position) + (first * kPageTokens + token) * 2);
    [[unroll]] for (uint i = 0; i < kPartFours * 4; ++i) {
      if (kParts * kPartFours <= kFours || first + i < kDim) key_words_[i] = words.at[i * kPageTokens / 2];
    }
  }
}

void ask_values(Text text, int from) {
  const Mine my = mine();
  if (my.run >= kRuns) return;
  const int begin = from + int(my.run * kRun);
  const uint seen = bits_of(text.first, text.last, begin), d = my.four * 4 + my.side * 2;
  const uint64_t page = page_of(values, text, min(begin, text.last));
  Words words = Words(page + (uint(begin) % kPageTokens * kDim + d) * 2);
  [[unroll]] for (uint j = 0; j < kRun; ++j) {
    value_words_[j] = 0;
    if ((seen >> j & 1) != 0) value_words_[j] = words.at[j * kDim / 2];
  }
}

shared uint new_[kDim];  // of one of the step's tokens

void put_new(New token, Pairs pairs, bool to_cache) {
  if (gl_LocalInvocationID.x >= kDim / 2) return;
  [[dont_unroll]] for (uint i = 0; i < 2; ++i) {
    const uint d = gl_LocalInvocationID.x + i * kDim / 2, bits = cache_bits(pairs, i);
    new_[d] = bits;
    if (to_cache) put_in_cache(token, d, bits);
  }
}

// What is in new_ takes its place in the registers; at: of the stretch's positions.
void take_new(uint at) {
  const Mine my = mine();
  if (my.pair == at / 2) {
    const uint first = my.part * kPartFours * 4;
    [[unroll]] for (uint i = 0; i < kPartFours * 4; ++i) {
      key_words_[i] = bitfieldInsert(key_words_[i], new_[min(first + i, kDim - 1)], int(at % 2 * 16), 16);
    }
  }
  if (my.run != at / kRun) return;
  const uint d = my.four * 4 + my.side * 2, word = new_[d] >> 16 | new_[d + 1] & 0xffff0000u;
  [[unroll]] for (uint j = 0; j < kRun; ++j) {
    if (j == at % kRun) value_words_[j] = word;
  }
}

void read_stretch(Text text, Rows rows, int from, bool is_first) {
  look();
  ask_keys(text, from);
  ask_values(text, from);
  const uint64_t new_keys = uint64_t(more.new_keys), new_values = uint64_t(more.new_values);
  uint tokens = new_of(text, from, kStretch);
  New next = new_token(text, uint(findLSB(tokens)));
  wait();
  Pairs pairs = read_new(new_keys, new_values, text, next.token);
  if (is_first) load_queries(rows);
  while (tokens != 0) {
    const bool is_own = next.token >= rows.token && next.token <= rows.token + (rows.count - 1) / rows.heads;
    put_new(next, pairs, is_own && rows.head % kSharedBy == 0);  // who has a token's first row puts it in the cache
    barrier();
    take_new(uint(next.position - from));
    tokens &= tokens - 1;
    if (tokens == 0) break;
    next = new_token(text, uint(findLSB(tokens)));
    pairs = read_new(new_keys, new_values, text, next.token);
    barrier();
  }
}

// This lane's two of four sums.
void put_pair(uint at, uint side, vec2 sums) {
  partial_[at][side * 2] = sums.x;
  partial_[at][side * 2 + 1] = sums.y;
}

void add_scores(Text text, Rows rows, int from) {
  const Mine my = mine();
  const uint first = my.part * kPartFours;
  [[dont_unroll]] for (uint r = 0; r < rows.count; ++r) {
    vec2 sum = vec2(0);
    [[unroll]] for (uint i = 0; i < kPartFours; ++i) {
      if (kParts * kPartFours > kFours && first + i >= kFours) break;
      const vec4 query = head_[r * kFours + first + i];
      [[unroll]] for (uint d = 0; d < 4; ++d) sum = fma(vec2(query[d]), unpackHalf2x16(key_words_[i * 4 + d]), sum);
    }
    put_pair(r * kSumLanes + gl_LocalInvocationID.x / 2, my.side, sum);
  }
}

void add_values(Text text, Rows rows, int from) {
  const Mine my = mine();
  if (my.run >= kRuns) return;
  [[dont_unroll]] for (uint r = 0; r < rows.count; ++r) {
    vec2 sum = vec2(0);
    [[unroll]] for (uint j = 0; j < kRun; j += 4) {
      const vec4 weight = weight_[r * kQuads + (my.run * kRun + j) / 4];
      [[unroll]] for (uint k = 0; k < 4; ++k) sum = fma(vec2(weight[k]), unpackHalf2x16(value_words_[j + k]), sum);
    }
    put_pair(line_of_result(my.run, r) + my.four, my.side, sum);
  }
}
