// Q5_K: w = d * scale * q - dmin * min. Piece 0: d, dmin, scales and mins. Pieces 1 and 2: the fifth bits of q,
// bit g of byte l for weight l of group g. Pieces 2c + 3 and 2c + 4: the lower four, group 2c in the low nibbles,
// group 2c + 1 in the high ones.
#include "lib/group.glsl"
#include "lib/panel.glsl"
#include "lib/six_bit_lines.glsl"

const bool kPlain = false, kHasLeast = true, kTwoScales = false;
const uint kBlockValues = 256, kBlockBytes = 176, kMiddle = 16;

uvec4 load_16(uint64_t block, uint row, uint pair, uint second, uint which) {
  uvec4 low = piece(block, row, 3 + pair * 2 + which) >> (second * 4) & 0x0f0f0f0fu;
  uvec4 fifth = piece(block, row, 1 + which) >> (pair * 2 + second) & 0x01010101u;
  return low | fifth << 4;
}

#define LOADS_PAIRS
Group load_of_pair(uint64_t block, uint row, uint pair, uint second, uint64_t tables) {
  Line line = line_of(piece(block, row, 0), pair * 2 + second);
  return group_of(load_16(block, row, pair, second, 0), load_16(block, row, pair, second, 1), vec2(line.scale), vec2(line.least));
}

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  return load_of_pair(block, row, group / 2, group % 2, tables);
}
