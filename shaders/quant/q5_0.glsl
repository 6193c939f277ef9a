// Q5_0: w = d * (q - 16). Piece: the lower four bits of q, weight j in the low nibble of byte j, weight j + 16 in the
// high one. Rest: d, and 32 bits, bit i the fifth of weight i.
#include "lib/bytes.glsl"
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = false;
const uint kBlockValues = 32, kBlockBytes = 22;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uvec4 q = piece(block, row, 0);
  uint64_t rest = rest_address(block, row, kBlockBytes);
  uvec4 first = (q & 0x0f0f0f0fu) | spread_bits(bits16_at(rest + 2)) << 4;
  uvec4 second = (q >> 4 & 0x0f0f0f0fu) | spread_bits(bits16_at(rest + 4)) << 4;
  return group_of(add(first, -16), add(second, -16), half_at(rest));
}
