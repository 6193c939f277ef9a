// Keys and values of the step's tokens go to their places in the cache: one workgroup a token, head and side.
#version 460
#include "lib/step.glsl"
#include "lib/cache.glsl"
#include "lib/write_float.glsl"
#include "lib/turn.glsl"

const uint kHeadFours = 512 / 4;
#include "lib/rotate.glsl"

const uint kLanes = 64;
layout(local_size_x = kLanes) in;
layout(constant_id = 0) const uint kFormat = 0;
layout(constant_id = 1) const bool kRope = false;  // keys are still to be turned

layout(buffer_reference, std430, buffer_reference_align = 1) writeonly buffer BytesOut { uint8_t at[]; };

layout(push_constant) uniform Push {
  Step step;
  Floats keys, values;             // [T, heads · dim]
  uint64_t key_cache, value_cache;
  uint heads, dim, rotation;
  int group;                       // of pages
  Floats angles;                   // of kRope, as rope.comp takes them
};

void write_block(Place place, uint d) {
  float largest = 0, of_largest = 0;
  for (uint i = d; i < d + 32; ++i) {
    if (abs(head_value(i)) > largest) {
      largest = abs(head_value(i));
      of_largest = head_value(i);
    }
  }
  const float scale = kFormat == kQ8_0 ? largest / 127 : of_largest / -8;
  const float inverse = abs(scale) >= 1.17549435e-38 ? 1 / scale : 0;
  write_half(place.scale, scale);
  if (kFormat == kQ8_0) {
    for (uint i = 0; i < 32; ++i) {
      const float x = head_value(d + i) * inverse;
      BytesOut(place.first + i * place.stride).at[0] = uint8_t(int(sign(x) * floor(abs(x) + 0.5)) & 0xff);
    }
  } else {
    for (uint i = 0; i < 16; ++i) {
      const uint low = uint(min(15, int(head_value(d + i) * inverse + 8.5)));
      const uint high = uint(min(15, int(head_value(d + i + 16) * inverse + 8.5)));
      BytesOut(place.first + i * place.stride).at[0] = uint8_t(low | high << 4);
    }
  }
}

void main() {
  const uint lane = gl_LocalInvocationID.x, token = gl_WorkGroupID.y, head = gl_WorkGroupID.x;
  const bool is_key = gl_WorkGroupID.z == 0;
  if (token >= step.tokens) return;
  Floats from = is_key ? keys : values;
  const uint first = (token * heads + head) * dim, pairs = dim / 2;
  if (kRope && is_key) {
    for (uint i = lane; i < pairs; i += kLanes) {
      const float c = angles.at[(token * pairs + i) * 2], s = angles.at[(token * pairs + i) * 2 + 1];
      const float a = from.at[first + i], b = from.at[first + pairs + i];
      const vec2 pair = turned(vec2(a, b), c, s);
      set_head_value(i, pair.x);
      set_head_value(i + pairs, pair.y);
    }
  } else {
    for (uint i = lane; i < dim; i += kLanes) set_head_value(i, from.at[first + i]);
  }
  if (rotation > 0) rotate_heads(dim, rotation, lane, kLanes);
  barrier();

  const uint position = step.positions.at[token];
  const uint page = step.page_table.at[pages_of(step, int(token), group) + position / kPageTokens];
  const uint64_t at = (is_key ? key_cache : value_cache) + uint64_t(page * heads + head) * page_bytes(kFormat, dim);
  const bool blocks = kFormat == kQ8_0 || kFormat == kQ4_0;
  const uint values_at_once = blocks ? 32 : 1;
  for (uint d = lane * values_at_once; d < dim; d += kLanes * values_at_once) {
    const Place place = is_key ? key_place(kFormat, at, dim, position % kPageTokens, d)
                               : value_place(kFormat, at, dim, position % kPageTokens, d);
    if (blocks) write_block(place, d);
    else write_float(kFormat, place, head_value(d));
  }
}
