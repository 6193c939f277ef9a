// Q3_K: 256 weights in 16 groups of 16, w = d * (scale - 32) * (q - 4) with q of 3 bits and scales of 6 bits
// (blocks.h). Packed by the search of steps.h.
#include "tensor/quant/blocks.h"
#include "tensor/quant/steps.h"

namespace troika::quant {
namespace {

struct ThreeBits {
  static constexpr float kPeaks[] = {-4, -3.4f, -3.7f, -4.3f, -4.6f, -5, 2.6f, 3, 3.4f, 3.8f};
  static Four nearest(Four v) { return levels4(v, -4, 3); }
};

// Scale i lies in a nibble and in two bits of another byte.
void store_scale(BlockQ3K& block, int i, int scale) {  // into a block of zeros
  block.scales[i % 8] |= static_cast<uint8_t>((scale & 15) << (i / 8 * 4));
  block.scales[8 + i % 4] |= static_cast<uint8_t>((scale >> 4) << (i / 4 * 2));
}

int scale_of(const BlockQ3K& block, int i) {
  return (block.scales[i % 8] >> (i / 8 * 4) & 15) | (block.scales[8 + i % 4] >> (i / 4 * 2) & 3) << 4;
}

}  // namespace

void pack_q3_k(Values values, Values importance, std::byte* out) {
  constexpr int n = BlockQ3K::kValues;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(BlockQ3K)) {
    TamedBlock<n> tamed(values, importance, first);
    ScaledSteps<ThreeBits, 16, 32> steps(tamed);
    BlockQ3K block{};
    block.d = steps.d();
    for (int g = 0; g < 16; ++g) store_scale(block, g, steps.scale(g) + 32);
    steps.each_weight([&](int i, int level) {
      int q = level + 4;
      block.q[i / 128 * 32 + i % 32] |= static_cast<uint8_t>((q & 3) << (i % 128 / 32 * 2));
      block.high[i % 32] |= static_cast<uint8_t>((q >> 2) << (i / 32));
    });
    std::memcpy(out, &block, sizeof block);
  }
}

void unpack_q3_k(const std::byte* in, std::span<float> values) {
  each_block<BlockQ3K>(in, values, [](const BlockQ3K& block, float* out) {
    float d = f16_to_float(block.d);
    for (int i = 0; i < 256; ++i) {
      int low = block.q[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3, high = block.high[i % 32] >> (i / 32) & 1;
      out[i] = d * static_cast<float>(scale_of(block, i / 16) - 32) * static_cast<float>((low | high << 2) - 4);
    }
  });
}

}  // namespace troika::quant
