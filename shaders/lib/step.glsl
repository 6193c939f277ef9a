// What all shaders share: extensions, typed pointers, the step's inputs, how many rows are live.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_buffer_reference2 : require
#extension GL_EXT_shader_explicit_arithmetic_types : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_control_flow_attributes : require

#include "lib/visible.glsl"

layout(buffer_reference, std430, buffer_reference_align = 4) buffer Floats { VISIBLE float at[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) buffer Floats4 { vec4 at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer Ints { int at[]; };
layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer Addresses { uint64_t at[]; };

// What the host reads of each output row (ops/step_inputs.h).
struct Wanted {
  uint whole;
  float factor;
};
const uint kWholeLogits = 1, kWholeStates = 2;
layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer WantedRows { Wanted at[]; };

// Written by the host before each submission (src/device/vulkan/step_block.cpp).
layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer Step {
  int tokens, outputs, max_sequences, pages_per_sequence, feature_width, unused;
  Ints token_ids, positions, sequences, run_first, run_last, output_rows, page_table, feature_rows;
  Floats features;
  Ints span_begin[2], span_end[2];
  WantedRows wanted;
};

// How many of a tensor's rows are live: a fixed number, or one per token (−1) or per output row (−2).
uint live_rows(Step step, int rows) { return rows >= 0 ? uint(rows) : uint(rows == -1 ? step.tokens : step.outputs); }

const int kPageTokens = 32;

// The cache pages of a token's sequence, as an index into page_table.
int pages_of(Step step, int token, int group) {
  return (group * step.max_sequences + step.sequences.at[token]) * step.pages_per_sequence;
}
