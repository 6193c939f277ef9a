// Q8_0: w = d * q. Pieces: 32 bytes of q. Rest: d.
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = false;
const uint kBlockValues = 32, kBlockBytes = 34;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  float d = half_at(rest_address(block, row, kBlockBytes));
  return group_of(piece(block, row, 0), piece(block, row, 1), d);
}
