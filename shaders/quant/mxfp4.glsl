// MXFP4: w = 2^(exponent - 128) * level of q. Piece: weight j in the low nibble of byte j, weight j + 16 in the
// high one. Rest: the exponent. Weights below 2^-126 may become zeros: devices need not know such floats.
#include "lib/group.glsl"
#include "lib/levels.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = false;
const uint kBlockValues = 32, kBlockBytes = 17;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uvec4 q = piece(block, row, 0);
  uint exponent = byte_at(rest_address(block, row, kBlockBytes));
  uint bits = exponent < 2 ? 0x00200000u << exponent : (exponent - 1) << 23;
  return group_of(look_up(q, kFp4Levels), look_up(q >> 4, kFp4Levels), uintBitsToFloat(bits));
}
