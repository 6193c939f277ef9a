// A stretch of a row's values, as floats: what a format gives at once. Included behind quant/<format>.glsl.
#ifdef PLAIN
const uint kStretch = kBlockValues;
#else
#include "lib/unpack.glsl"
const uint kStretch = 32;
#endif

void read_stretch(uint64_t panel, uint row, uint stretch, uint64_t tables, out float values[kStretch]) {
#ifdef PLAIN
  load_block(panel + stretch * 16 * kBlockBytes, row, values);
#else
  const uint each = kBlockValues / 32;
  unpack_group(load_group(panel + stretch / each * 16 * kBlockBytes, row, stretch % each, tables), values);
#endif
}
