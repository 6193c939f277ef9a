// Q2_K: 256 weights in 16 groups of 16, each group a line over q in 0..3 (lines.h); a byte holds the levels of four
// weights (blocks.h).
#include "tensor/quant/blocks.h"
#include "tensor/quant/lines.h"

namespace troika::quant {

void pack_q2_k(Values values, Values importance, std::byte* out) {
  constexpr int n = BlockQ2K::kValues;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(BlockQ2K)) {
    auto lines = pack_lines<LineBlock16>(values, importance, first, 3);
    BlockQ2K block{};
    block.d = lines.d;
    block.dmin = lines.dmin;
    for (int g = 0; g < 16; ++g) block.scales[g] = static_cast<uint8_t>(lines.scale[g] | lines.minimum[g] << 4);
    for (int i = 0; i < n; ++i)
      block.q[i / 128 * 32 + i % 32] |= static_cast<uint8_t>(lines.levels[i] << (i % 128 / 32 * 2));
    std::memcpy(out, &block, sizeof block);
  }
}

void unpack_q2_k(const std::byte* in, std::span<float> values) {
  each_block<BlockQ2K>(in, values, [](const BlockQ2K& block, float* out) {
    float d = f16_to_float(block.d), dmin = f16_to_float(block.dmin);
    for (int i = 0; i < 256; ++i) {
      int line = block.scales[i / 16], q = block.q[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
      out[i] = d * static_cast<float>(line & 15) * static_cast<float>(q) - dmin * static_cast<float>(line >> 4);
    }
  });
}

}  // namespace troika::quant
