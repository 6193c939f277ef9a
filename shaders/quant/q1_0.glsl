// Q1_0: w = d or -d. Piece: bit i of the 128 set where weight i is d. Rest: d.
#include "lib/bytes.glsl"
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = false;
const uint kBlockValues = 128, kBlockBytes = 18;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uint bits = word_at(piece_address(block, row, 0) + group * 4);
  float d = half_at(rest_address(block, row, kBlockBytes));
  return group_of(add(spread_bits(bits) << 1, -1), add(spread_bits(bits >> 16) << 1, -1), d);
}
