// F16: eight halves of a row are a block.
#include "lib/panel.glsl"

const bool kPlain = true;
const uint kBlockValues = 8, kBlockBytes = 16;

void load_block(uint64_t block, uint row, out float values[kBlockValues]) {
  uvec4 pairs = piece(block, row, 0);
  vec2 a = unpackHalf2x16(pairs.x), b = unpackHalf2x16(pairs.y), c = unpackHalf2x16(pairs.z),
       d = unpackHalf2x16(pairs.w);
  values = float[8](a.x, a.y, b.x, b.y, c.x, c.y, d.x, d.y);
}
