// Rotary embedding: pair i of a head is its values i and i + D/2.
#version 460
#include "lib/step.glsl"
#include "lib/turn.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Step step;
  Floats x, angles, to;  // angles: [T, D/2] of cosine, sine
  uint heads, pairs;
};

void main() {
  const uint i = gl_GlobalInvocationID.x % pairs, head = gl_GlobalInvocationID.x / pairs, token = gl_GlobalInvocationID.y;
  if (head >= heads || token >= step.tokens) return;
  const uint angle = (token * pairs + i) * 2, at = (token * heads + head) * 2 * pairs + i;
  const float c = angles.at[angle], s = angles.at[angle + 1], a = x.at[at], b = x.at[at + pairs];
  const vec2 pair = turned(vec2(a, b), c, s);
  to.at[at] = pair.x;
  to.at[at + pairs] = pair.y;
}
