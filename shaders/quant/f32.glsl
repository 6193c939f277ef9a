// F32: four floats of a row are a block.
#include "lib/panel.glsl"

const bool kPlain = true;
const uint kBlockValues = 4, kBlockBytes = 16;

void load_block(uint64_t block, uint row, out float values[kBlockValues]) {
  vec4 four = uintBitsToFloat(piece(block, row, 0));
  values = float[4](four.x, four.y, four.z, four.w);
}
