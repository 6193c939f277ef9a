// Keys and values that the step makes, of few tokens, for attention that puts them in the cache (f16) itself. Behind lib/attend.glsl.
#include "lib/write_float.glsl"

const uint kMostNew = 8;  // tokens, as src/device/vulkan/attention_ops.cpp allows

// Which of the step's tokens are among the `count` positions at `from`, as bits: of those that any row sees.
uint new_of(Text text, int from, uint count) {
  uint found = 0;
  [[dont_unroll]] for (uint token = 0; token < min(step.tokens, kMostNew); ++token) {
    const int position = step.positions.at[token], first = max(from, text.first), end = min(from + int(count), text.last + 1);
    const bool is_here = step.sequences.at[token] == step.sequences.at[text.begin] && position >= first && position < end;
    found |= uint(is_here) << token;
  }
  return found;
}

struct New {
  uint token;
  int position;
  uint64_t key_page, value_page;
};

New new_token(Text text, uint token) {
  token = min(token, step.tokens - 1);
  const int position = step.positions.at[token];
  return New(token, position, page_of(keys, text, position), page_of(values, text, position));
}

// What a lane has of a token: values d and d + kDim / 2, d being its number.
struct Pairs { vec2 key, value, angle; };

Pairs read_new(uint64_t new_keys, uint64_t new_values, Text text, uint token) {
  const uint from = (token * kKvHeads + text.kv_head) * kDim, d = min(gl_LocalInvocationID.x, kDim / 2 - 1);
  Pairs pairs = Pairs(pair_at(new_keys, from, d), pair_at(new_values, from, d), vec2(1, 0));
  if (kRope) pairs.angle = angle_of(token, d);
  return pairs;
}

// Of value d, or d + kDim / 2 with `second` 1: its key as a half and, in the upper half, its value.
uint cache_bits(Pairs pairs, uint second) {
  const vec2 key = kRope ? turned(pairs.key, pairs.angle.x, pairs.angle.y) : pairs.key;
  return half_bits(key[second]) | half_bits(pairs.value[second]) << 16;
}

void put_in_cache(New token, uint d, uint bits) {
  const uint within = uint(token.position) % kPageTokens;
  HalvesOut(key_place(kF16, token.key_page, kDim, within, d).first).at[0] = uint16_t(bits);
  HalvesOut(value_place(kF16, token.value_page, kDim, within, d).first).at[0] = uint16_t(bits >> 16);
}
