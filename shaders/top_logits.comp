// Rows of logits, second pass: a workgroup lists the kTop largest in order, of equal ones the lower id first; another one adds up the
// weights. Both go once through their code, which has to be read, so it is short.
//
// The largest lie in the kTop groups whose largest logits come first in that order: before a token of any other group come the
// largest of all those. So the same choice is made twice, among groups and among the tokens of those chosen.
#version 460
#include "lib/step.glsl"
#include "lib/top.glsl"

struct TopLogit {
  int id;
  float logit;
};
// As device/device.h has it.
struct TopLogits {
  float sum, drawable_sum;
  int count, all_numbers;
  TopLogit largest[kTop];
};
layout(buffer_reference, std430, buffer_reference_align = 4) writeonly buffer Tops { TopLogits at[]; };

layout(push_constant) uniform Push {
  Step step;
  uint64_t logits, groups;  // floats as bits, keys
  Parts parts;
  Tops tops;  // [outputs]
  uint columns, part_count;
};

const uint kCandidates = 256, kSides = kLanes / kCandidates;  // lanes of a candidate
const uint kAtOnce = 8;                                       // candidates that it is compared with

shared uint chosen_[kTop], found_, last_;
shared uvec2 candidates_[kCandidates];  // key, id; behind those found there are none
shared uint ranks_[kCandidates];

const uint kMostEach = 16;  // of 512 lanes
const uint kEach = kTop * kGroup / kLanes, kOfGroup = kGroup / kEach;  // keys of a lane; lanes of a group
uint keys_[kMostEach], first_[kMostEach];  // of this lane; what decides who comes first

uint id_of(bool of_groups, uint i) {
  const uint lane = gl_LocalInvocationID.x;
  return of_groups ? i * kLanes + lane : chosen_[lane / kOfGroup] * kGroup + i * kOfGroup + lane % kOfGroup;
}

uint up_from(uint key, uint by) { return key > ~by ? ~0u : key + by; }  // no key is as large

// One that at least kTop reach, or all if they are fewer, and no more than kCandidates unless too many are equal; two bits at a
// time. `least`: one that kTop reach, or 1. `count`: of those that reach it.
uint threshold(uint least, out uint count) {
  uvec4 ends = uvec4(0);  // the largest, and the least that is one, upside down
  [[unroll]] for (uint i = 0; i < kEach; ++i) ends = max(ends, uvec4(first_[i], first_[i] == kNoKey ? 0 : ~first_[i], 0, 0));
  ends = largest_of_all(ends);
  uint reached = max(least, ~ends.y), of_mine = 0;
  [[unroll]] for (uint i = 0; i < kEach; ++i) of_mine += uint(first_[i] >= reached);
  count = total_of_all(uvec2(of_mine)).x;
  for (int shift = ends.x > reached ? findMSB(ends.x - reached) & ~1 : -1; shift >= 0 && count > kCandidates; shift -= 2) {
    const uint one = up_from(reached, 1u << shift), two = up_from(reached, 2u << shift), three = up_from(reached, 3u << shift);
    uvec2 counts = uvec2(0);  // of those from `one` on, from `two` on (in the upper half), from `three` on
    [[unroll]] for (uint i = 0; i < kEach; ++i) {
      counts += uvec2(uint(first_[i] >= one) + (uint(first_[i] >= two) << 16), uint(first_[i] >= three));
    }
    counts = total_of_all(counts);
    const uint from_one = counts.x & 0xffffu, from_two = counts.x >> 16, from_three = counts.y;
    reached = from_three >= kTop ? three : from_two >= kTop ? two : from_one >= kTop ? one : reached;
    count = from_three >= kTop ? from_three : from_two >= kTop ? from_two : from_one >= kTop ? from_one : count;
  }
  return reached;
}

// Makes candidates of the lanes' keys, the kTop first among them.
void gather(bool of_groups, uint least) {
  [[unroll]] for (uint i = 0; i < kEach; ++i) first_[i] = keys_[i];
  uint reached, count = ~0u;
  [[dont_unroll]] for (uint again = 0; again < 2 && count > kCandidates; ++again) {
    if (again == 1) {  // of those that are equal come those of lower ids
      [[unroll]] for (uint i = 0; i < kEach; ++i) {
        first_[i] = keys_[i] > reached ? ~0u : keys_[i] == reached ? ~id_of(of_groups, i) : kNoKey;
      }
      least = 1;
    }
    reached = threshold(least, count);
  }
  uint of_mine = 0;
  [[unroll]] for (uint i = 0; i < kEach; ++i) of_mine += uint(first_[i] >= reached);
  const uint lane = gl_LocalInvocationID.x;
  if (lane == 0) found_ = 0;
  if (lane < kCandidates) {
    candidates_[lane] = uvec2(kNoKey, 0);
    ranks_[lane] = 0;
  }
  barrier();
  uint place = of_mine > 0 ? atomicAdd(found_, of_mine) : 0;
  [[unroll]] for (uint i = 0; i < kEach; ++i) {
    if (first_[i] >= reached) candidates_[place++] = uvec2(keys_[i], id_of(of_groups, i));
  }
  barrier();
}

// How many of the candidates come before the lane's, each lane of it looking at some; some at a time, so that these wait together.
void find_ranks() {
  const uint lane = gl_LocalInvocationID.x, found = found_;
  if (lane / kSides >= found) return;
  const uvec2 mine = candidates_[lane / kSides];
  uint before = 0;
  for (uint begin = lane % kSides; begin < found; begin += kAtOnce * kSides) {
    [[unroll]] for (uint i = 0; i < kAtOnce; ++i) {
      const uvec2 other = candidates_[begin + i * kSides];
      before += uint(other.x > mine.x || other.x == mine.x && other.y < mine.y);
    }
  }
  if (before > 0) atomicAdd(ranks_[lane / kSides], before);
}

// Once among groups, then among the tokens of those chosen: the largest of each reaches what the last one's largest is.
void list_largest(uint row) {
  const uint lane = gl_LocalInvocationID.x, group_count = (columns + kGroup - 1) / kGroup;
  uint found = 0, least = 1;
  [[dont_unroll]] for (uint pass = 0; pass < 2; ++pass) {
    const bool of_groups = pass == 0;
    const uint end = of_groups ? group_count : columns;
    const uint64_t from = of_groups ? groups : logits;
    [[unroll]] for (uint i = 0; i < kEach; ++i) {
      const uint id = id_of(of_groups, i);
      const int bits = Ints(from).at[row * end + min(id, end - 1)];
      const uint key = of_groups ? uint(bits) : key_of(bits);
      keys_[i] = id < end && (of_groups || lane / kOfGroup < found) ? key : kNoKey;
    }
    gather(of_groups, least);
    found = min(found_, kTop);
    find_ranks();
    barrier();
    if (lane < found_) {
      const uvec2 mine = candidates_[lane];
      const uint rank = ranks_[lane];
      if (rank < kTop && of_groups) chosen_[rank] = mine.y;
      if (rank == kTop - 1) last_ = mine.x;
      if (rank < kTop && !of_groups) tops.at[row].largest[rank] = TopLogit(int(mine.y), logit_of(mine.x));
    }
    barrier();
    if (found == kTop) least = last_;
  }
  if (lane == 0) tops.at[row].count = int(found);
}

void add_weights(uint row) {
  const uint lane = gl_LocalInvocationID.x;
  const float factor = step.wanted.at[row].factor;
  Part part = Part(kNoKey, kNoKey, 0, 0, 0);
  if (lane < part_count) part = parts.at[row * part_count + lane];
  const uvec4 largest = largest_of_all(uvec4(part.largest, part.drawable_largest, part.odd, 0));
  const float sum = sum_of_all(part.sum * weight_of(part.largest, largest.x, 1));
  const float drawable_sum = sum_of_all(part.drawable_sum * weight_of(part.drawable_largest, largest.y, factor));
  if (lane != 0) return;
  tops.at[row].sum = sum;
  tops.at[row].drawable_sum = drawable_sum;
  tops.at[row].all_numbers = int(largest.z == 0);
}

void main() {
  const uint row = gl_WorkGroupID.x;
  if (is_skipped(step, row)) return;
  if (gl_WorkGroupID.y == 0) list_largest(row);
  else add_weights(row);
}
