// IQ2_S: w = d * (2 * scale + 1) / 8 * entry of the book, with signs; a scale for 16 weights. Pieces 0 and 1: the lower
// eight bits of an index for eight weights. Pieces 2 and 3: eight signs for each. Piece 4: for each group a byte of the
// upper two bits of its four indices, then for each a byte of two scales, the first in the low nibble. Rest: d.
#include "lib/bytes.glsl"
#include "lib/code_book.glsl"
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = true;
const uint kBlockValues = 256, kBlockBytes = 82;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uint low = word_at(piece_address(block, row, group / 4) + group % 4 * 4);
  uint signs = word_at(piece_address(block, row, 2 + group / 4) + group % 4 * 4);
  uint64_t last = piece_address(block, row, 4);
  uint high = byte_at(last + group), scales = byte_at(last + (8 + group));
  uvec4 index = indices(low) | (uvec4(high, high >> 2, high >> 4, high >> 6) & 3) << 8;
  float d = half_at(rest_address(block, row, kBlockBytes));
  return group_of(with_signs(eights_at(tables, index.x, index.y), signs),
                  with_signs(eights_at(tables, index.z, index.w), signs >> 16),
                  d * vec2(2 * uvec2(scales & 15, scales >> 4) + 1) / 8, vec2(0));
}
