// Which places of the matrix unit's operands each lane of a subgroup has, as the driver deals them out: A's elements and B's are
// loaded as their own numbers, row by row, and written down by the lane that has them.
#version 460
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types : require

layout(local_size_x_id = 3) in;              // a subgroup
layout(constant_id = 0) const uint kM = 16;  // the matrix unit's shape
layout(constant_id = 1) const uint kN = 16;
layout(constant_id = 2) const uint kK = 16;
const uint kMost = 32;                       // elements of a lane

layout(buffer_reference, std430, buffer_reference_align = 4) writeonly buffer Elements { uint at[]; };
layout(push_constant) uniform Push { Elements elements; };  // [A or B, lane, element]

shared uint numbers_[16 * 16 / 2];

void main() {
  const uint lane = gl_LocalInvocationID.x;
  for (uint i = lane; i < 128; i += gl_WorkGroupSize.x) numbers_[i] = packFloat2x16(f16vec2(2 * i, 2 * i + 1));
  barrier();
  coopmat<float16_t, gl_ScopeSubgroup, kM, kK, gl_MatrixUseA> a;
  coopmat<float16_t, gl_ScopeSubgroup, kK, kN, gl_MatrixUseB> b;
  coopMatLoad(a, numbers_, 0, kK / 2, gl_CooperativeMatrixLayoutRowMajor);
  coopMatLoad(b, numbers_, 0, kN / 2, gl_CooperativeMatrixLayoutRowMajor);
  for (uint i = 0; i < kMost; ++i) {
    elements.at[lane * kMost + i] = i < a.length() ? uint(a[i]) : ~0u;
    elements.at[(gl_WorkGroupSize.x + lane) * kMost + i] = i < b.length() ? uint(b[i]) : ~0u;
  }
}
