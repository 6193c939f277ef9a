// 32 consecutive weights of a row as whole numbers times scales: what every block format becomes when it is read.
// Each quant/<format>.glsl gives
//
//   kPlain = false, kBlockValues, kBlockBytes
//   kHasLeast    `least` may differ from 0; numbers count from 0 then, and kMiddle is the one in the middle
//   kTwoScales   the second 16 weights may have another scale and least than the first
//   Group load_group(uint64_t block, uint row, uint group, uint64_t tables)
//                weights [32 group, 32 group + 32) of a row's block in a panel; `block`: the address of the block
//                of 16 rows (panel.glsl); `tables`: of the format's code book (src/device/vulkan/grids.h), if it has one
//
// and, where two groups that follow each other share what is read, with LOADS_PAIRS
//
//   Group load_of_pair(uint64_t block, uint row, uint pair, uint second, uint64_t tables)
//                group 2 pair + second: of two calls with `second` 0 and 1 the compiler sees what they share
//
// Scale and least are rounded as tensor/quant/ rounds them.
#ifndef TROIKA_GROUP
#define TROIKA_GROUP

// Weight i is int8(byte i of quants) * scale[i / 16] + least[i / 16]; the first byte of a word is its lowest.
struct Group {
  int quants[8];
  float scale[2];
  float least[2];
};

Group group_of(uvec4 first, uvec4 second, vec2 scale, vec2 least) {
  Group group;
  group.quants = int[8](int(first.x), int(first.y), int(first.z), int(first.w), int(second.x), int(second.y),
                        int(second.z), int(second.w));
  group.scale = float[2](scale.x, scale.y);
  group.least = float[2](least.x, least.y);
  return group;
}

Group group_of(uvec4 first, uvec4 second, float scale) { return group_of(first, second, vec2(scale), vec2(0)); }

#endif
