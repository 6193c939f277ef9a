// Products of int8 matrices that never leave the registers, as the matrix unit makes them.
#version 460
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require
#include "lib/limit.glsl"

layout(constant_id = 0) const uint kM = 16;  // the matrix unit's shape
layout(constant_id = 1) const uint kN = 16;
layout(constant_id = 2) const uint kK = 32;

void main() {
  const coopmat<int8_t, gl_ScopeSubgroup, kM, kK, gl_MatrixUseA> a =
      coopmat<int8_t, gl_ScopeSubgroup, kM, kK, gl_MatrixUseA>(int8_t(floatBitsToInt(factor)));
  const coopmat<int8_t, gl_ScopeSubgroup, kK, kN, gl_MatrixUseB> b =
      coopmat<int8_t, gl_ScopeSubgroup, kK, kN, gl_MatrixUseB>(int8_t(floatBitsToInt(summand)));
  coopmat<int, gl_ScopeSubgroup, kM, kN, gl_MatrixUseAccumulator> sums[kSums];
  [[unroll]] for (uint s = 0; s < kSums; ++s) {
    sums[s] = coopmat<int, gl_ScopeSubgroup, kM, kN, gl_MatrixUseAccumulator>(int(s));
  }
  for (uint round = 0; round < count; ++round) {
    [[unroll]] for (uint turn = 0; turn < kTurns; ++turn) {
      [[unroll]] for (uint s = 0; s < kSums; ++s) sums[s] = coopMatMulAdd(a, b, sums[s]);
    }
  }
  int all = 0;
  [[unroll]] for (uint s = 0; s < kSums; ++s) {
    for (int i = 0; i < sums[s].length(); ++i) all += sums[s][i];
  }
  keep(intBitsToFloat(all));
}
