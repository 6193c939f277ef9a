// Q5_1: w = d * q + m. Piece: the lower four bits of q, weight j in the low nibble of byte j, weight j + 16 in the high
// one. Rest: d, m, and 32 bits, bit i the fifth of weight i.
#include "lib/bytes.glsl"
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = true, kTwoScales = false;
const uint kBlockValues = 32, kBlockBytes = 24, kMiddle = 16;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uvec4 q = piece(block, row, 0);
  uvec2 rest = words2_at(rest_address(block, row, kBlockBytes));
  vec2 line = unpackHalf2x16(rest.x);
  uvec4 first = (q & 0x0f0f0f0fu) | spread_bits(rest.y) << 4;
  uvec4 second = (q >> 4 & 0x0f0f0f0fu) | spread_bits(rest.y >> 16) << 4;
  return group_of(first, second, line.xx, line.yy);
}
