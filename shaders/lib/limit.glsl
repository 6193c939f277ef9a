// What the shaders that measure a GPU's limits share (src/device/vulkan/limits.cpp).
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x = 256) in;

layout(buffer_reference, std430, buffer_reference_align = 4) writeonly buffer Result { float at[]; };

layout(push_constant) uniform Push {
  uint64_t data;
  Result result;
  uint count;  // pieces of 16 bytes; rounds
  float factor, summand;
};

const uint kSums = 16, kTurns = 16;  // sums that do not wait for each other; turns of a round

// The compiler cannot know that this never comes, so all that led to it is computed.
void keep(float value) {
  if (value == -1.5e38) result.at[0] = value;
}
