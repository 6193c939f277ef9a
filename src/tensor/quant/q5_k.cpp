// Q5_K: 256 weights in 8 groups of 32, each group a line over q in 0..31 (lines.h); a byte holds the lower four
// bits of two groups, another the fifth bits of all eight (blocks.h).
#include <cstring>

#include "tensor/quant/blocks.h"
#include "tensor/quant/lines.h"

namespace troika::quant {

void pack_q5_k(Values values, Values importance, std::byte* out) {
  constexpr int n = BlockQ5K::kValues;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(BlockQ5K)) {
    auto lines = pack_lines<LineBlock8>(values, importance, first, 31);
    BlockQ5K block{};
    block.d = lines.d;
    block.dmin = lines.dmin;
    store_lines(lines, block.scales);
    for (int i = 0; i < n; ++i) {
      int g = i / 32, l = i % 32, q = lines.levels[i];
      block.q[g / 2 * 32 + l] |= static_cast<uint8_t>((q & 15) << (g % 2 * 4));
      block.high[l] |= static_cast<uint8_t>((q >> 4) << g);
    }
    std::memcpy(out, &block, sizeof block);
  }
}

void unpack_q5_k(const std::byte* in, std::span<float> values) {
  each_block<BlockQ5K>(in, values, [](const BlockQ5K& block, float* out) {
    for (int g = 0; g < 8; ++g) {
      Line line = line_of(block.d, block.dmin, block.scales, g);
      for (int l = 0; l < 32; ++l) {
        int q = (block.q[g / 2 * 32 + l] >> (g % 2 * 4) & 15) | (block.high[l] >> g & 1) << 4;
        out[32 * g + l] = line.scale * static_cast<float>(q) - line.minimum;
      }
    }
  });
}

}  // namespace troika::quant
