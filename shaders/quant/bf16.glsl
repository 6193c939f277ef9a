// BF16, the upper half of a float's bits: eight of a row are a block.
#include "lib/panel.glsl"

const bool kPlain = true;
const uint kBlockValues = 8, kBlockBytes = 16;

vec2 pair_of(uint bits) { return uintBitsToFloat(uvec2(bits << 16, bits & 0xffff0000u)); }

void load_block(uint64_t block, uint row, out float values[kBlockValues]) {
  uvec4 pairs = piece(block, row, 0);
  vec2 a = pair_of(pairs.x), b = pair_of(pairs.y), c = pair_of(pairs.z), d = pair_of(pairs.w);
  values = float[8](a.x, a.y, b.x, b.y, c.x, c.y, d.x, d.y);
}
