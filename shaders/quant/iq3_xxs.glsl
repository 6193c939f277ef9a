// IQ3_XXS: w = d * (2 * scale + 1) / 4 * entry of the book, with signs. Pieces 0 to 3: an index for four weights.
// Pieces 4 and 5: 32 bits a group, four times seven signs, the first lowest, and the scale in the top four.
// Rest: d.
#include "lib/bytes.glsl"
#include "lib/code_book.glsl"
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = false;
const uint kBlockValues = 256, kBlockBytes = 98;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uvec2 words = words2_at(piece_address(block, row, group / 2) + group % 2 * 8);
  uint signs_and_scale = word_at(piece_address(block, row, 4 + group / 4) + group % 4 * 4);
  float d = half_at(rest_address(block, row, kBlockBytes));
  uint signs = even_signs(sevens_to_bytes(signs_and_scale));
  return group_of(with_signs(fours_at(tables, indices(words.x)), signs),
                  with_signs(fours_at(tables, indices(words.y)), signs >> 16),
                  d * float(2 * (signs_and_scale >> 28) + 1) / 4);
}
