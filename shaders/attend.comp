// Attention of one token's head, over its sequence's pages or over a span of rows: a stretch of positions at a time,
// whose weights are kept relative to the largest score so far (online softmax, arXiv:1805.02867). Stretches begin at
// whole pages, so that a token gets the same bits whatever stands beside it.
#version 460
#include "lib/step.glsl"
#include "lib/activations.glsl"
#include "lib/cache.glsl"
#include "lib/rotate.glsl"
#include "lib/quantise.glsl"

// Lane l of a stretch of 128 positions computes a quarter of the score of position l % 128 and, behind it, of some of the
// head's values what a quarter of the positions gives to them.
const uint kStretch = 128, kParts = 4, kLanes = kStretch * kParts;
layout(local_size_x = kLanes) in;
layout(constant_id = 0) const uint kFormat = 0;
layout(constant_id = 1) const bool kQuantise = false;  // the result as int8 besides

layout(push_constant) uniform Push {
  Step step;
  Floats q, to;           // [T, heads · dim]
  uint64_t keys, values;  // the cache, or [T, kv_heads · dim]
  Numbers numbers;
  Scales scales;
  uint heads, kv_heads, dim, rotation;
  float scale, softcap;
  int window, group;      // of pages; of kRows: the kind of span
  int rows;
};

shared float weight_[kStretch], reduced_[kLanes];

// The largest of what the first 128 lanes have, or the sum of it.
float of_all(float mine, const bool largest) {
  const uint lane = gl_LocalInvocationID.x;
  reduced_[lane] = mine;
  barrier();
  [[unroll]] for (uint half_ = kStretch / 2; half_ > 0; half_ /= 2) {
    if (lane < half_) {
      const float one = reduced_[lane], other = reduced_[lane + half_];
      reduced_[lane] = largest ? max(one, other) : one + other;
    }
    barrier();
  }
  const float result = reduced_[0];
  barrier();
  return result;
}
float largest_of_all(float mine) { return of_all(mine, true); }
float sum_of_all(float mine) { return of_all(mine, false); }

// What all parts make of a number together; `at`: which number of 128 is this lane's.
float sum_of_parts(float mine, uint at) {
  reduced_[gl_LocalInvocationID.x] = mine;
  barrier();
  float sum = reduced_[at];
  [[unroll]] for (uint part = 1; part < kParts; ++part) sum += reduced_[part * kStretch + at];
  barrier();
  return sum;
}

uint64_t page_of(uint64_t cache, int pages, int position, uint head) {
  const uint page = step.page_table.at[pages + position / kPageTokens];
  return cache + uint64_t(page * kv_heads + head) * page_bytes(kFormat, dim);
}

// A quarter of it.
float score_of(int pages, int position, uint head, uint part) {
  float score = 0;
  if (kFormat == kRows) {
    Floats key = Floats(keys + (uint64_t(position) * kv_heads + head) * dim * 4);
    for (uint d = part; d < dim; d += kParts) score = fma(head_[d], key.at[d], score);
    return score;
  }
  const uint64_t page = page_of(keys, pages, position, head);
  for (uint d = part; d < dim; d += kParts) {
    score = fma(head_[d], read_place(kFormat, key_place(kFormat, page, dim, position % kPageTokens, d), d), score);
  }
  return score;
}

float value_of(int pages, int position, uint head, uint d) {
  if (kFormat == kRows) return Floats(values + (uint64_t(position) * kv_heads + head) * dim * 4).at[d];
  const uint64_t page = page_of(values, pages, position, head);
  return read_place(kFormat, value_place(kFormat, page, dim, position % kPageTokens, d), d);
}

void main() {
  const uint lane = gl_LocalInvocationID.x, head = gl_WorkGroupID.x, token = gl_WorkGroupID.y;
  const uint at_once = lane % kStretch, part = lane / kStretch;
  if (token >= live_rows(step, rows)) return;
  const uint kv_head = head / (heads / kv_heads), at = (token * heads + head) * dim;
  int first, last, pages = 0;
  if (kFormat == kRows) {
    first = step.span_begin[group].at[token];
    last = step.span_end[group].at[token] - 1;
  } else {
    first = window > 0 ? max(0, step.positions.at[token] - window + 1) : 0;
    first = min(first, step.run_first.at[token]);
    last = step.run_last.at[token];
    pages = pages_of(step, int(token), group);
  }
  for (uint d = lane; d < dim; d += kLanes) head_[d] = q.at[at + d];
  if (rotation > 0) rotate_head(dim, rotation, lane, kLanes);
  barrier();

  const float kNone = uintBitsToFloat(0xff800000u);
  float largest = kNone, sum = 0, result[kMostHead / kStretch] = float[4](0, 0, 0, 0);
  for (int begin = first / kPageTokens * kPageTokens; begin <= last; begin += int(kStretch)) {
    const int position = begin + int(at_once);
    const bool seen = position >= first && position <= last;
    float score = sum_of_parts(seen ? score_of(pages, position, kv_head, part) : 0, at_once) * scale;
    if (softcap > 0) score = softcap * tanh_of(score / softcap);
    const float before = largest;
    largest = max(before, largest_of_all(seen ? score : kNone));
    const float weight = seen ? exp(score - largest) : 0, shrink = before == kNone ? 0 : exp(before - largest);
    if (part == 0) weight_[at_once] = weight;
    sum = sum * shrink + sum_of_all(weight);
    const int from = max(begin, first) + int(part), end = min(begin + int(kStretch) - 1, last);
    for (uint i = 0; i * kStretch + at_once < dim; ++i) {
      float value = result[i] * shrink;
      for (int j = from; j <= end; j += int(kParts)) {
        value = fma(weight_[j - begin], value_of(pages, j, kv_head, i * kStretch + at_once), value);
      }
      result[i] = value;
    }
    barrier();
  }

  for (uint i = 0; i * kStretch < dim; ++i) {
    const float total = sum_of_parts(result[i], at_once);
    if (part == 0 && i * kStretch + at_once < dim) head_[i * kStretch + at_once] = total / sum;
  }
  if (rotation > 0) rotate_head(dim, rotation, lane, kLanes);
  barrier();
  for (uint d = lane; d < dim; d += kLanes) to.at[at + d] = head_[d];
  if (kQuantise && lane < dim / 32) {
    float block[32];
    for (uint i = 0; i < 32; ++i) block[i] = head_[lane * 32 + i];
    quantise_block(block, numbers, scales, at / 32 + lane);
  }
}
