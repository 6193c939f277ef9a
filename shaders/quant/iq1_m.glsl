// IQ1_M: w = d * (2 * scale + 1) / 8 * (entry of the book + shift), as IQ1_S, but a shift for eight weights and a scale
// for 16. Pieces 0 and 1: the lower eight bits of an index. Piece 2: a nibble for each index, its upper three bits, and
// bit 3 set where the shift is -1. Rest: four times 16 bits, bits 15..0 of the i-th:
//   nibble i of d | scale of the halves 3, 2, 1, 0 of groups 2i and 2i + 1, three bits each
#include "lib/bytes.glsl"
#include "lib/code_book.glsl"
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = true;
const uint kBlockValues = 256, kBlockBytes = 56;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uint low = word_at(piece_address(block, row, group / 4) + group % 4 * 4);
  uint high = bits16_at(piece_address(block, row, 2) + group * 2);
  uvec4 nibbles = uvec4(high, high >> 4, high >> 8, high >> 12);
  uvec4 index = indices(low) | (nibbles & 7) << 8;
  ivec4 shift = 1 - ivec4(nibbles >> 2 & 2);

  uvec2 rest = words2_at(rest_address(block, row, kBlockBytes));
  uvec2 d_bytes = (rest >> 12 & 0xfu) | rest >> 28 << 4;
  float d = float_of_half(d_bytes.x | d_bytes.y << 8);
  uint scales = (group < 4 ? rest.x : rest.y) >> (group / 2 % 2 * 16 + group % 2 * 6);
  return group_of(add(eights_at(tables, index.x, index.y), shift.xxyy),
                  add(eights_at(tables, index.z, index.w), shift.zzww),
                  d * vec2(2 * uvec2(scales & 7, scales >> 3 & 7) + 1) / 8, vec2(0));
}
