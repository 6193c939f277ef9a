// Q4_K: w = d * scale * q - dmin * min. Piece 0: d, dmin, scales and mins. Pieces 2c + 1 and 2c + 2: the 32 weights of
// group 2c in their low nibbles, those of group 2c + 1 in their high ones.
#include "lib/group.glsl"
#include "lib/panel.glsl"
#include "lib/six_bit_lines.glsl"

const bool kPlain = false, kHasLeast = true, kTwoScales = false;
const uint kBlockValues = 256, kBlockBytes = 144, kMiddle = 8;

#define LOADS_PAIRS
Group load_of_pair(uint64_t block, uint row, uint pair, uint second, uint64_t tables) {
  Line line = line_of(piece(block, row, 0), pair * 2 + second);
  uint first = 1 + pair * 2, shift = second * 4;
  return group_of(piece(block, row, first) >> shift & 0x0f0f0f0fu, piece(block, row, first + 1) >> shift & 0x0f0f0f0fu,
                  vec2(line.scale), vec2(line.least));
}

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  return load_of_pair(block, row, group / 2, group % 2, tables);
}
