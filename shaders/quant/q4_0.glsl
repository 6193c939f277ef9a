// Q4_0: w = d * (q - 8). Piece: weight j in the low nibble of byte j, weight j + 16 in the high one. Rest: d.
#include "lib/bytes.glsl"
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = false;
const uint kBlockValues = 32, kBlockBytes = 18;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uvec4 q = piece(block, row, 0);
  float d = half_at(rest_address(block, row, kBlockBytes));
  return group_of(add(q & 0x0f0f0f0fu, -8), add(q >> 4 & 0x0f0f0f0fu, -8), d);
}
