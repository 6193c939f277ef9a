// Which experts a row goes to, and with what share: those with the largest router values, of equal ones the first.
#version 460
#include "lib/step.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const bool kNormalise = false;  // shares sum to 1 over the experts used, not over all

layout(buffer_reference, std430, buffer_reference_align = 4) writeonly buffer IntsOut { int at[]; };

layout(push_constant) uniform Push {
  Step step;
  Floats router;   // [rows, experts]
  IntsOut chosen;  // [rows, used]
  Floats shares;   // [rows, used]
  uint experts, used;
  int rows;
};

void main() {
  const uint row = gl_GlobalInvocationID.x;
  if (row >= live_rows(step, rows)) return;
  Floats values = Floats(uint64_t(router) + uint64_t(row) * experts * 4);
  float best = 0, before = 0, sum = 0, weights[8];
  uint last = 0;
  for (uint i = 0; i < used; ++i) {
    uint chosen_one = experts;
    for (uint e = 0; e < experts; ++e) {
      const float value = values.at[e];
      if (i > 0 && (value > before || value == before && e <= last)) continue;  // taken already
      if (chosen_one == experts || value > values.at[chosen_one]) chosen_one = e;
    }
    chosen_one = min(chosen_one, experts - 1);
    before = values.at[chosen_one];
    last = chosen_one;
    if (i == 0) best = before;
    weights[i] = exp(before - best);
    if (kNormalise) sum += weights[i];
    chosen.at[row * used + i] = int(chosen_one);
  }
  if (!kNormalise) {
    for (uint e = 0; e < experts; ++e) sum += exp(values.at[e] - best);
  }
  for (uint i = 0; i < used; ++i) shares.at[row * used + i] = weights[i] / sum;
}
