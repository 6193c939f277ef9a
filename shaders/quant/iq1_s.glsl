// IQ1_S: w = d * (2 * scale + 1) / 8 * (entry of the book + shift): the book is in eighths, and so is the shift, 1
// or -1. Pieces 0 and 1: the lower eight bits of an index for eight weights. Piece 2: 16 bits a group, the upper
// three of its four indices, the scale in bits 12-14, bit 15 set where the shift is -1. Rest: d.
#include "lib/bytes.glsl"
#include "lib/code_book.glsl"
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = false;
const uint kBlockValues = 256, kBlockBytes = 50;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uint low = word_at(piece_address(block, row, group / 4) + group % 4 * 4);
  uint high = bits16_at(piece_address(block, row, 2) + group * 2);
  uvec4 index = indices(low) | (uvec4(high, high >> 3, high >> 6, high >> 9) & 7) << 8;
  int shift = (high & 0x8000u) != 0 ? -1 : 1;
  float d = half_at(rest_address(block, row, kBlockBytes));
  return group_of(add(eights_at(tables, index.x, index.y), shift), add(eights_at(tables, index.z, index.w), shift),
                  d * float(2 * (high >> 12 & 7) + 1) / 8);
}
