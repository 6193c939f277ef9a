// IQ4_XS: w = d * (scale - 32) * level of q. Piece g: group g, weight j in the low nibble of byte j, weight j + 16
// in the high one. Rest: d, bits 5 and 4 of the eight scales (2 bytes), bits 3-0 of them (4 bytes).
#include "lib/group.glsl"
#include "lib/levels.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = false;
const uint kBlockValues = 256, kBlockBytes = 136;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uvec4 q = piece(block, row, group);
  uvec2 rest = words2_at(rest_address(block, row, kBlockBytes));
  uint scale = (rest.y >> (4 * group) & 15) | (rest.x >> (16 + 2 * group) & 3) << 4;
  float d = float_of_half(rest.x & 0xffffu);
  return group_of(look_up(q, kIq4Levels), look_up(q >> 4, kIq4Levels), d * float(int(scale) - 32));
}
