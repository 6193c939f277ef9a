// Q6_K: 256 weights in 16 groups of 16, w = d * scale * (q - 32) with q of 6 bits and signed scales of 8 bits
// (blocks.h). Packed by the search of steps.h.
#include <cstring>

#include "tensor/quant/blocks.h"
#include "tensor/quant/steps.h"

namespace troika::quant {
namespace {

struct SixBits {
  static constexpr float kPeaks[] = {-32,     -29.5f, -30.25f, -31,    -31.75f,
                                     -32.5f, -33.25f, -34,     -34.75f};
  static Four nearest(Four v) { return levels4(v, -32, 31); }
};

// Where weight i (0..255) lies: 128 weights share 64 bytes of ql and 32 of qh.
struct Place {
  int low_byte, low_shift, high_byte, high_shift;
};
constexpr Place place(int i) {
  int half = i / 128, quarter = i % 128 / 32, l = i % 32;
  return {64 * half + 32 * (quarter % 2) + l, quarter / 2 * 4, 32 * half + l, quarter * 2};
}

}  // namespace

void pack_q6_k(Values values, Values importance, std::byte* out) {
  constexpr int n = BlockQ6K::kValues;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(BlockQ6K)) {
    TamedBlock<n> tamed(values, importance, first);
    ScaledSteps<SixBits, 16, 128> steps(tamed);
    BlockQ6K block{};
    block.d = steps.d();
    for (int g = 0; g < 16; ++g) block.scales[g] = static_cast<int8_t>(steps.scale(g));
    steps.each_weight([&](int i, int level) {
      int q = level + 32;
      Place at = place(i);
      block.ql[at.low_byte] |= static_cast<uint8_t>((q & 15) << at.low_shift);
      block.qh[at.high_byte] |= static_cast<uint8_t>((q >> 4) << at.high_shift);
    });
    std::memcpy(out, &block, sizeof block);
  }
}

void unpack_q6_k(const std::byte* in, std::span<float> values) {
  each_block<BlockQ6K>(in, values, [](const BlockQ6K& block, float* out) {
    float d = f16_to_float(block.d);
    for (int i = 0; i < 256; ++i) {
      Place at = place(i);
      int low = block.ql[at.low_byte] >> at.low_shift & 15, high = block.qh[at.high_byte] >> at.high_shift & 3;
      out[i] = d * static_cast<float>(block.scales[i / 16]) * static_cast<float>((low | high << 4) - 32);
    }
  });
}

}  // namespace troika::quant
