// Q2_0: w = d * (q - 1). Piece: weight i in bits 2(i % 4), 2(i % 4) + 1 of byte i / 4. Rest: d.
#include "lib/bytes.glsl"
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = false;
const uint kBlockValues = 64, kBlockBytes = 18;

// 16 times two bits as 16 bytes: pair k of a byte moves by 6k, to bit 8k.
uvec4 spread_pairs(uint pairs) {
  uvec4 four = uvec4(pairs, pairs >> 8, pairs >> 16, pairs >> 24) & 0xffu;
  return (four | four << 6 | four << 12 | four << 18) & 0x03030303u;
}

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uvec2 words = words2_at(piece_address(block, row, 0) + group * 8);
  float d = half_at(rest_address(block, row, kBlockBytes));
  return group_of(add(spread_pairs(words.x), -1), add(spread_pairs(words.y), -1), d);
}
