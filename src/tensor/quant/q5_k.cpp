// Q5_K: 256 weights in 8 groups of 32, each group a line over q in 0..31 (lines.h); a byte holds the lower four
// bits of two groups, another the fifth bits of all eight (blocks.h).
#include <cstring>

#include "tensor/quant/blocks.h"
#include "tensor/quant/lines.h"

namespace troika::quant {

void pack_q5_k(Values values, Values importance, std::byte* out) {
  constexpr int n = BlockQ5K::kValues;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(BlockQ5K)) {
    Values weights = importance.empty() ? importance : importance.subspan(first, n);
    LineBlock lines = pack_lines(values.subspan(first, n), weights, 31);
    BlockQ5K block{};
    block.d = lines.d;
    block.dmin = lines.dmin;
    std::memcpy(block.scales, lines.scales, sizeof block.scales);
    for (int i = 0; i < n; ++i) {
      int g = i / 32, l = i % 32, q = lines.levels[i];
      block.q[g / 2 * 32 + l] |= static_cast<uint8_t>((q & 15) << (g % 2 * 4));
      block.high[l] |= static_cast<uint8_t>((q >> 4) << g);
    }
    std::memcpy(out, &block, sizeof block);
  }
}

void unpack_q5_k(const std::byte* in, std::span<float> values) {
  constexpr int n = BlockQ5K::kValues;
  for (size_t first = 0; first < values.size(); first += n, in += sizeof(BlockQ5K)) {
    BlockQ5K block;
    std::memcpy(&block, in, sizeof block);
    for (int g = 0; g < LineBlock::kGroups; ++g) {
      Line line = line_of(block.d, block.dmin, block.scales, g);
      for (int l = 0; l < LineBlock::kGroupValues; ++l) {
        int q = (block.q[g / 2 * 32 + l] >> (g % 2 * 4) & 15) | (block.high[l] >> g & 1) << 4;
        values[first + g * LineBlock::kGroupValues + l] = line.scale * static_cast<float>(q) - line.minimum;
      }
    }
  }
}

}  // namespace troika::quant
