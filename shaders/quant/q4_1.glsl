// Q4_1: w = d * q + m. Piece: weight j in the low nibble of byte j, weight j + 16 in the high one. Rest: d, m.
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = true, kTwoScales = false;
const uint kBlockValues = 32, kBlockBytes = 20, kMiddle = 8;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uvec4 q = piece(block, row, 0);
  vec2 line = unpackHalf2x16(word_at(rest_address(block, row, kBlockBytes)));
  return group_of(q & 0x0f0f0f0fu, q >> 4 & 0x0f0f0f0fu, line.xx, line.yy);
}
