// Rows of logits, first pass: the largest of each group of tokens, and what the weights of a workgroup's add up to.
#version 460
#include "lib/step.glsl"
#include "lib/top.glsl"

const uint kEach = 8, kOfGroup = kGroup / kEach;  // tokens of a lane, one for each kOfGroup of a group; lanes of a group

layout(push_constant) uniform Push {
  Step step;
  Ints logits;  // [outputs, columns], as bits
  Keys groups;  // [outputs, columns / kGroup]
  Parts parts;  // [outputs, workgroups]
  uint columns, drawable;  // drawable: ids from there on are never drawn
};

shared uint lanes_[kLanes];  // the largest of each

void main() {
  const uint lane = gl_LocalInvocationID.x, row = gl_WorkGroupID.y, group = gl_GlobalInvocationID.x / kOfGroup;
  const uint first = group * kGroup + lane % kOfGroup;
  if (is_skipped(step, row)) return;
  uint keys[kEach];
  uvec4 mine = uvec4(kNoKey);  // largest, largest of drawable ones, whether there is an odd one
  [[unroll]] for (uint i = 0; i < kEach; ++i) {
    const uint id = first + i * kOfGroup;
    const int bits = logits.at[row * columns + min(id, columns - 1)];
    keys[i] = id < columns ? key_of(bits) : kNoKey;
    mine.x = max(mine.x, keys[i]);
    if (id < drawable) mine.y = max(mine.y, keys[i]);
    if (id < columns && !is_number(bits)) mine.z = 1;
  }
  const uvec4 largest = largest_of_all(mine);
  barrier();
  lanes_[lane] = mine.x;
  barrier();
  if (lane % kOfGroup == 0 && first < columns) {
    uint of_group = kNoKey;
    [[unroll]] for (uint i = 0; i < kOfGroup; ++i) of_group = max(of_group, lanes_[lane + i]);
    groups.at[row * ((columns + kGroup - 1) / kGroup) + group] = of_group;
  }
  const float factor = step.wanted.at[row].factor;
  float sum = 0, drawable_sum = 0;
  [[unroll]] for (uint i = 0; i < kEach; ++i) {
    sum += weight_of(keys[i], largest.x, 1);
    if (first + i * kOfGroup < drawable) drawable_sum += weight_of(keys[i], largest.y, factor);
  }
  sum = sum_of_all(sum);
  drawable_sum = sum_of_all(drawable_sum);
  const uint part = row * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  if (lane == 0) parts.at[part] = Part(largest.x, largest.y, largest.z, sum, drawable_sum);
}
