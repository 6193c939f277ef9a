// IQ2_XXS: w = d * (2 * scale + 1) / 8 * entry of the book, with signs. 8 bytes a group, group g in piece g / 2: four
// indices of eight numbers, then, as 32 bits, four times seven signs, the first lowest, and the scale in the top four.
// Rest: d.
#include "lib/bytes.glsl"
#include "lib/code_book.glsl"
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = false;
const uint kBlockValues = 256, kBlockBytes = 66;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uvec2 words = words2_at(piece_address(block, row, group / 2) + group % 2 * 8);
  float d = half_at(rest_address(block, row, kBlockBytes));
  uvec4 index = indices(words.x);
  uint signs = even_signs(sevens_to_bytes(words.y));
  return group_of(with_signs(eights_at(tables, index.x, index.y), signs),
                  with_signs(eights_at(tables, index.z, index.w), signs >> 16), d * float(2 * (words.y >> 28) + 1) / 8);
}
