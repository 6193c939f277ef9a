// IQ3_S: w = d * (2 * scale + 1) * entry of the book, with signs. Pieces 0 to 3: the lower eight bits of an index
// for four weights. Piece 4: for each group a byte, bit i the ninth of its index i. Behind that, four bytes of
// signs a group: of groups 0 and 1 in piece 4, of 2 to 5 in piece 5, of 6 and 7 in the rest. Rest: d, those signs,
// four bytes of scales, nibble g for group g.
#include "lib/bytes.glsl"
#include "lib/code_book.glsl"
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = false;
const uint kBlockValues = 256, kBlockBytes = 110;

uint load_signs(uint64_t block, uint row, uint group) {
  if (group < 6) return word_at(piece_address(block, row, 4 + (group + 2) / 4) + (group + 2) % 4 * 4);
  uint64_t address = rest_address(block, row, kBlockBytes) + (2 + (group - 6) * 4);
  return bits16_at(address) | bits16_at(address + 2) << 16;
}

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uvec2 low = words2_at(piece_address(block, row, group / 2) + group % 2 * 8);
  uint high = byte_at(piece_address(block, row, 4) + group);
  uvec4 first = indices(low.x) | (uvec4(high, high >> 1, high >> 2, high >> 3) & 1) << 8;
  uvec4 second = indices(low.y) | (uvec4(high >> 4, high >> 5, high >> 6, high >> 7) & 1) << 8;
  uint signs = load_signs(block, row, group);
  uint64_t rest = rest_address(block, row, kBlockBytes);
  uint scale = byte_at(rest + (10 + group / 2)) >> (group % 2 * 4) & 15;
  return group_of(with_signs(fours_at(tables, first), signs), with_signs(fours_at(tables, second), signs >> 16),
                  half_at(rest) * float(2 * scale + 1));
}
