// TQ2_0: w = d * (q - 1). Pieces 2h and 2h + 1: 128 weights, the 32 of group 4h + j in bits 2j, 2j + 1. Rest: d.
#include "lib/bytes.glsl"
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = false;
const uint kBlockValues = 256, kBlockBytes = 66;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uint first = group / 4 * 2, shift = group % 4 * 2;
  float d = half_at(rest_address(block, row, kBlockBytes));
  return group_of(add(piece(block, row, first) >> shift & 0x03030303u, -1),
                  add(piece(block, row, first + 1) >> shift & 0x03030303u, -1), d);
}
