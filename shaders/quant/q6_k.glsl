// Q6_K: w = d * scale * (q - 32). Groups of 32 in two halves h of 128 weights; quarter k of a half has its bits in
//   pieces 4h + 2(k % 2), + 1    low four: in the low nibbles for k < 2, else in the high ones
//   pieces 8 + 2h, + 1           upper two: bits 2k, 2k + 1
// Piece 12: scales of 16 weights each, int8. Rest: d.
#include "lib/bytes.glsl"
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = true;
const uint kBlockValues = 256, kBlockBytes = 210;

#define LOADS_PAIRS
Group load_of_pair(uint64_t block, uint row, uint pair, uint second, uint64_t tables) {
  uint half_block = pair / 2, quarter = pair % 2 * 2 + second;
  uint low = 4 * half_block + 2 * second, high = 8 + 2 * half_block;
  uint low_shift = pair % 2 * 4, high_shift = quarter * 2;
  uvec4 front = piece(block, row, low) >> low_shift & 0x0f0f0f0fu;  // of 16 weights
  uvec4 back = piece(block, row, low + 1) >> low_shift & 0x0f0f0f0fu;
  front |= (piece(block, row, high) >> high_shift & 0x03030303u) << 4;
  back |= (piece(block, row, high + 1) >> high_shift & 0x03030303u) << 4;

  int scales = int(word_at(piece_address(block, row, 12) + 4 * pair) >> 16 * second);
  vec2 scale = vec2(bitfieldExtract(scales, 0, 8), bitfieldExtract(scales, 8, 8));
  float d = half_at(rest_address(block, row, kBlockBytes));
  return group_of(add(front, -32), add(back, -32), d * scale, vec2(0));
}

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  return load_of_pair(block, row, group / 2, group % 2, tables);
}
