// Q4_K: 256 weights in 8 groups of 32, each group a line over q in 0..15 (lines.h); a byte holds the levels of two
// groups (blocks.h).
#include <cstring>

#include "tensor/quant/blocks.h"
#include "tensor/quant/lines.h"

namespace troika::quant {

void pack_q4_k(Values values, Values importance, std::byte* out) {
  constexpr int n = BlockQ4K::kValues;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(BlockQ4K)) {
    Values weights = importance.empty() ? importance : importance.subspan(first, n);
    LineBlock lines = pack_lines(values.subspan(first, n), weights, 15);
    BlockQ4K block{};
    block.d = lines.d;
    block.dmin = lines.dmin;
    std::memcpy(block.scales, lines.scales, sizeof block.scales);
    for (int i = 0; i < n; ++i) {
      int g = i / 32, l = i % 32;
      block.q[g / 2 * 32 + l] |= static_cast<uint8_t>(lines.levels[i] << (g % 2 * 4));
    }
    std::memcpy(out, &block, sizeof block);
  }
}

void unpack_q4_k(const std::byte* in, std::span<float> values) {
  constexpr int n = BlockQ4K::kValues;
  for (size_t first = 0; first < values.size(); first += n, in += sizeof(BlockQ4K)) {
    BlockQ4K block;
    std::memcpy(&block, in, sizeof block);
    for (int g = 0; g < LineBlock::kGroups; ++g) {
      Line line = line_of(block.d, block.dmin, block.scales, g);
      for (int l = 0; l < LineBlock::kGroupValues; ++l) {
        int q = block.q[g / 2 * 32 + l] >> (g % 2 * 4) & 15;
        values[first + g * LineBlock::kGroupValues + l] = line.scale * static_cast<float>(q) - line.minimum;
      }
    }
  }
}

}  // namespace troika::quant
