// IQ2_XS: w = d * (2 * scale + 1) / 8 * entry of the book, with signs; a scale for 16 weights. Pieces: 16 bits for
// eight weights, the index in the lower nine, seven signs above. Rest: d, and a byte of two scales for each group,
// the first in the low nibble.
#include "lib/bytes.glsl"
#include "lib/code_book.glsl"
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = true;
const uint kBlockValues = 256, kBlockBytes = 74;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uvec2 words = words2_at(piece_address(block, row, group / 2) + group % 2 * 8);
  uint64_t rest = rest_address(block, row, kBlockBytes);
  uint scales = byte_at(rest + (2 + group));
  uvec2 low = words & 0x1ffu, high = words >> 16 & 0x1ffu;
  uvec2 pairs = (words >> 9 & 0x7fu) | words >> 25 << 8;
  uint signs = even_signs(pairs.x | pairs.y << 16);
  return group_of(with_signs(eights_at(tables, low.x, high.x), signs),
                  with_signs(eights_at(tables, low.y, high.y), signs >> 16),
                  half_at(rest) * vec2(2 * uvec2(scales & 15, scales >> 4) + 1) / 8, vec2(0));
}
