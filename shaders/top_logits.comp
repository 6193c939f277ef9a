// Rows of logits, second pass, a workgroup a row: the kTop largest in order, of equal ones the lower id first.
//
// They lie in the kTop groups whose largest logits come first in that order: before a token of any other group come the
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
  Ints logits;
  Keys groups;
  Parts parts;
  Tops tops;  // [outputs]
  uint columns, part_count;
};

shared uint chosen_[kTop], keys_[kTop], ids_[kTop];

uint mine_[kEach];  // keys of this lane; lanes follow each other

uint up_from(uint key, uint by) { return key > ~by ? ~0u : key + by; }  // no key is as large

// The largest key that at least kTop of all reach, or one between which and it there is none; 0: fewer have a key.
// Two bits at a time. `least`: one that kTop reach, or 0.
uint threshold(uint least, uint each) {
  uint most = 0;
  [[unroll]] for (uint i = 0; i < kEach; ++i) most = max(most, mine_[i]);
  most = largest_of_all(uvec4(most)).x;
  uint reached = least;
  for (int shift = most > least ? findMSB(most - least) & ~1 : -1; shift >= 0; shift -= 2) {
    const uint one = up_from(reached, 1u << shift), two = up_from(reached, 2u << shift), three = up_from(reached, 3u << shift);
    uvec2 counts = uvec2(0);  // of keys from `one` on, from `two` on (in the upper half), from `three` on
    [[unroll]] for (uint i = 0; i < kEach; ++i) {
      if (i < each) counts += uvec2(uint(mine_[i] >= one) + (uint(mine_[i] >= two) << 16), uint(mine_[i] >= three));
    }
    counts = total_of_all(counts);
    const uint from_one = counts.x & 0xffffu, from_two = counts.x >> 16, from_three = counts.y;
    const uint count = from_three >= kTop ? from_three : from_two >= kTop ? from_two : from_one;
    reached = from_three >= kTop ? three : from_two >= kTop ? two : from_one >= kTop ? one : reached;
    if (count == kTop) break;
  }
  return reached;
}

// Which of this lane's `each` are among the kTop first, as bits. `place`: of the first of them; `count`: of all lanes;
// `bound`: before, a key that kTop reach, or 0, then the largest such.
uint choose_top(uint each, inout uint bound, out uint place, out uint count) {
  bound = threshold(bound, each);
  uint above = 0, equal = 0;
  [[unroll]] for (uint i = 0; i < kEach; ++i) {
    above += uint(mine_[i] > bound);
    equal += uint(mine_[i] == bound);
  }
  const uvec2 so_far = total_so_far(uvec2(above, equal)), all = total_of_all(uvec2(above, equal));
  const uint room = bound == kNoKey ? 0 : kTop - all.x;  // for equal ones
  uint equal_before = so_far.y - equal, chosen = 0;
  place = so_far.x - above + min(equal_before, room);
  count = all.x + min(all.y, room);
  [[unroll]] for (uint i = 0; i < kEach; ++i) {
    if (mine_[i] > bound || mine_[i] == bound && equal_before < room) chosen |= 1u << i;
    equal_before += uint(mine_[i] == bound);
  }
  return chosen;
}

void main() {
  const uint lane = gl_LocalInvocationID.x, row = gl_WorkGroupID.x;
  if (is_skipped(step, row)) return;

  const uint group_count = (columns + kGroup - 1) / kGroup, of_group = kGroup / kEach;  // lanes of a group of those chosen
  uint found = 0, bound = 0;
  // Once among groups, then among their tokens: the largest of each chosen group reaches the groups' bound.
  for (uint pass = 0; pass < 2; ++pass) {
    const bool of_groups = pass == 0;
    const uint group = lane / of_group, each = of_groups ? (group_count + kLanes - 1) / kLanes : kEach;
    const uint end = of_groups ? group_count : columns, begin = row * end;
    const uint first = of_groups ? lane * each : group < found ? chosen_[group] * kGroup + lane % of_group * kEach : end;
    [[unroll]] for (uint i = 0; i < kEach; ++i) {
      mine_[i] = kNoKey;
      if (i < each && first + i < end) {
        mine_[i] = of_groups ? groups.at[begin + first + i] : key_of(logits.at[begin + first + i]);
      }
    }
    uint place;
    const uint chosen = choose_top(each, bound, place, found);
    [[unroll]] for (uint i = 0; i < kEach; ++i) {
      if ((chosen >> i & 1) == 0) continue;
      if (of_groups) chosen_[place++] = first + i;
      else keys_[place] = mine_[i], ids_[place++] = first + i;
    }
    barrier();
  }

  if (lane < found) {  // ids ascend
    uint rank = 0;
    for (uint i = 0; i < found; ++i) rank += uint(keys_[i] > keys_[lane] || keys_[i] == keys_[lane] && i < lane);
    tops.at[row].largest[rank] = TopLogit(int(ids_[lane]), logit_of(keys_[lane]));
  }

  Part part = Part(kNoKey, kNoKey, 0, 0, 0);
  if (lane < part_count) part = parts.at[row * part_count + lane];
  const uvec4 largest = largest_of_all(uvec4(part.largest, part.drawable_largest, part.odd, 0));
  const float sum = sum_of_all(part.sum * weight_of(part.largest, largest.x, 1));
  const float drawable_sum =
      sum_of_all(part.drawable_sum * weight_of(part.drawable_largest, largest.y, step.wanted.at[row].factor));
  if (lane == 0) {
    tops.at[row].sum = sum;
    tops.at[row].drawable_sum = drawable_sum;
    tops.at[row].count = int(found);
    tops.at[row].all_numbers = int(largest.z == 0);
  }
}
