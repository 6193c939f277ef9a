// Q2_K: w = d * scale * q - dmin * min, a line for 16 weights. Piece 0: scales in the low nibbles, mins in the
// high ones. Pieces 2h + 1 and 2h + 2: 128 weights, the 32 of group 4h + j in bits 2j, 2j + 1. Rest: d, dmin.
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = true, kTwoScales = true;
const uint kBlockValues = 256, kBlockBytes = 84, kMiddle = 2;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uint first = 1 + group / 4 * 2, shift = group % 4 * 2;
  uint lines = bits16_at(piece_address(block, row, 0) + 2 * group);
  vec2 d = unpackHalf2x16(word_at(rest_address(block, row, kBlockBytes)));
  return group_of(piece(block, row, first) >> shift & 0x03030303u, piece(block, row, first + 1) >> shift & 0x03030303u,
                  d.x * vec2(lines & 15, lines >> 8 & 15), -d.y * vec2(lines >> 4 & 15, lines >> 12));
}
