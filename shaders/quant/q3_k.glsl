// Q3_K: w = d * (scale - 32) * (q - 4), a scale for 16 weights. Pieces 0 and 1: the third bits of q, bit g of byte
// l for weight l of group g. Pieces 2h + 2 and 2h + 3: the lower two of 128 weights, group 4h + j in bits 2j and
// 2j + 1. Rest: 12 bytes of scales, d. Bits 7..0 of the 12 bytes:
//   byte 0..7    scale[8+i] bits 3-0 | scale[i] bits 3-0
//   byte 8..11   scale[12+i] bits 5,4 | scale[8+i] bits 5,4 | scale[4+i] bits 5,4 | scale[i] bits 5,4
#include "lib/bytes.glsl"
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = true;
const uint kBlockValues = 256, kBlockBytes = 110;

uvec4 load_half(uint64_t block, uint row, uint group, uint which) {
  uvec4 low = piece(block, row, 2 + group / 4 * 2 + which) >> (group % 4 * 2) & 0x03030303u;
  uvec4 third = piece(block, row, which) >> group & 0x01010101u;
  return add(low | third << 2, -4);
}

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uint64_t rest = rest_address(block, row, kBlockBytes);
  uint low = bits16_at(rest + group % 4 * 2) >> (group / 4 * 4) & 0x0f0fu;
  uint high = bits16_at(rest + 8 + group % 2 * 2) >> (group / 2 * 2) & 0x0303u;
  uint scales = low | high << 4;
  vec2 scale = vec2(ivec2(scales & 0xff, scales >> 8) - 32);
  return group_of(load_half(block, row, group, 0), load_half(block, row, group, 1), half_at(rest + 12) * scale, vec2(0));
}
