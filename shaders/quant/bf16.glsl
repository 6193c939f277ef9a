// BF16, the upper half of a float's bits: eight of a row are a block.
#include "lib/panel.glsl"

const bool kPlain = true;
const uint kBlockValues = 8, kBlockBytes = 16;

void load_block(uint64_t block, uint row, out float values[kBlockValues]) {
  uvec4 pairs = piece(block, row, 0);
  vec4 even = uintBitsToFloat(pairs << 16), odd = uintBitsToFloat(pairs & 0xffff0000u);
  values = float[8](even.x, odd.x, even.y, odd.y, even.z, odd.z, even.w, odd.w);
}
