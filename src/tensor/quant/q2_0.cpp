// Q2_0: 64 weights, w = d * (q - 1) with q in 0..3. Packed by the search of steps.h.
#include "tensor/quant/blocks.h"
#include "tensor/quant/steps.h"

namespace troika::quant {
namespace {

struct TwoBits {
  static constexpr float kPeaks[] = {2, 1.6f, 1.8f, 2.3f, 2.6f, -1, -1.3f, -1.6f};
  static Four nearest(Four v) { return levels4(v, -1, 2); }
};

}  // namespace

void pack_q2_0(Values values, Values importance, std::byte* out) {
  constexpr int n = BlockQ2_0::kValues;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(BlockQ2_0)) {
    TamedBlock<n> tamed(values, importance, first);
    StepGroup group{tamed.x, tamed.w, n};
    BlockQ2_0 block{};
    block.d = float_to_f16(best_step<TwoBits>(group));
    int i = 0;
    each_level<TwoBits>(group, f16_to_float(block.d), [&](Four, Four, Four level) {
      for (int lane = 0; lane < 4; ++lane, ++i)
        block.q[i / 4] |= static_cast<uint8_t>((static_cast<int>(level[lane]) + 1) << (i % 4 * 2));
    });
    std::memcpy(out, &block, sizeof block);
  }
}

void unpack_q2_0(const std::byte* in, std::span<float> values) {
  each_block<BlockQ2_0>(in, values, [](const BlockQ2_0& block, float* out) {
    float d = f16_to_float(block.d);
    for (int i = 0; i < 64; ++i) out[i] = d * static_cast<float>((block.q[i / 4] >> (i % 4 * 2) & 3) - 1);
  });
}

}  // namespace troika::quant
