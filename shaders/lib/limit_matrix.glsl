// Products of matrices that never leave the registers, as the matrix unit makes them. Who includes this defines NUMBER and
// SUM, and FLOAT_OF: a sum as a float that may be any, of whole numbers by its bits, for compilers know how large one is at most.
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types : require
#include "lib/limit.glsl"

layout(constant_id = 0) const uint kM = 16;  // the matrix unit's shape
layout(constant_id = 1) const uint kN = 16;
layout(constant_id = 2) const uint kK = 32;

#define Numbers_A coopmat<NUMBER, gl_ScopeSubgroup, kM, kK, gl_MatrixUseA>
#define Numbers_B coopmat<NUMBER, gl_ScopeSubgroup, kK, kN, gl_MatrixUseB>
#define Sums coopmat<SUM, gl_ScopeSubgroup, kM, kN, gl_MatrixUseAccumulator>

void main() {
  const Numbers_A a = Numbers_A(NUMBER(factor * 100));
  const Numbers_B b = Numbers_B(NUMBER(summand * 1000));
  Sums sums[kSums];
  [[unroll]] for (uint s = 0; s < kSums; ++s) sums[s] = Sums(SUM(s));
  for (uint round = 0; round < count; ++round) {
    [[unroll]] for (uint turn = 0; turn < kTurns; ++turn) {
      [[unroll]] for (uint s = 0; s < kSums; ++s) sums[s] = coopMatMulAdd(a, b, sums[s]);
    }
  }
  SUM all = SUM(0);
  [[unroll]] for (uint s = 0; s < kSums; ++s) {
    for (int i = 0; i < sums[s].length(); ++i) all += sums[s][i];
  }
  keep(FLOAT_OF(all));
}
