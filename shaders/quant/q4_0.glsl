// Q4_0: w = d * (q - 8). Piece: weight j in the low nibble of byte j, weight j + 16 in the high one. Rest: d.
#include "lib/bytes.glsl"
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = false;
const uint kBlockValues = 32, kBlockBytes = 18;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uvec4 q = piece(block, row, 0) ^ 0x88888888u;  // q - 8 in four bits, which in a byte's upper half are 16 times as much
  float d = half_at(rest_address(block, row, kBlockBytes));
  return group_of(q << 4 & 0xf0f0f0f0u, q & 0xf0f0f0f0u, d / 16);
}
