// What the two passes over rows of logits have in common (src/device/vulkan/top_ops.cpp). Behind lib/step.glsl.
#include "lib/sum.glsl"
#include "lib/whole_numbers.glsl"
#include "lib/order.glsl"

layout(constant_id = 0) const uint kTop = 128;   // tokens that are listed
layout(constant_id = 1) const uint kGroup = 64;  // tokens that follow each other and share a largest logit
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Keys { uint at[]; };

// Of the tokens of a workgroup of the first pass, keys and the weights' sums in relation to them.
struct Part {
  uint largest, drawable_largest, odd;  // odd: there are some that are no numbers
  float sum, drawable_sum;
};
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Parts { Part at[]; };

bool is_skipped(Step step, uint row) {
  return row >= live_rows(step, -2) || (step.wanted.at[row].whole & kWholeLogits) != 0;
}
