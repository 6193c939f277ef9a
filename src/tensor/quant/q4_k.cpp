// Q4_K: 256 weights in 8 groups of 32, each group a line over q in 0..15 (lines.h); a byte holds the levels of two
// groups (blocks.h).
#include <cstring>

#include "tensor/quant/blocks.h"
#include "tensor/quant/lines.h"

namespace troika::quant {

void pack_q4_k(Values values, Values importance, std::byte* out) {
  constexpr int n = BlockQ4K::kValues;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(BlockQ4K)) {
    auto lines = pack_lines<LineBlock8>(values, importance, first, 15);
    BlockQ4K block{};
    block.d = lines.d;
    block.dmin = lines.dmin;
    store_lines(lines, block.scales);
    for (int i = 0; i < n; ++i) {
      int g = i / 32, l = i % 32;
      block.q[g / 2 * 32 + l] |= static_cast<uint8_t>(lines.levels[i] << (g % 2 * 4));
    }
    std::memcpy(out, &block, sizeof block);
  }
}

void unpack_q4_k(const std::byte* in, std::span<float> values) {
  each_block<BlockQ4K>(in, values, [](const BlockQ4K& block, float* out) {
    for (int g = 0; g < 8; ++g) {
      Line line = line_of(block.d, block.dmin, block.scales, g);
      for (int l = 0; l < 32; ++l) {
        int q = block.q[g / 2 * 32 + l] >> (g % 2 * 4) & 15;
        out[32 * g + l] = line.scale * static_cast<float>(q) - line.minimum;
      }
    }
  });
}

}  // namespace troika::quant
