// Q1_0: 128 weights, w = d or -d, a bit each. Packed with the d of least weighted squared error: the mean magnitude.
#include <cmath>

#include "tensor/quant/blocks.h"
#include "tensor/quant/quant.h"

namespace troika::quant {

void pack_q1_0(Values values, Values importance, std::byte* out) {
  constexpr int n = BlockQ1_0::kValues;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(BlockQ1_0)) {
    TamedBlock<n> tamed(values, importance, first);
    double sum = 0, weights = 0;
    BlockQ1_0 block{};
    for (int i = 0; i < n; ++i) {
      sum += double{tamed.w[i]} * std::fabs(tamed.x[i]);
      weights += tamed.w[i];
      block.q[i / 8] |= static_cast<uint8_t>((tamed.x[i] >= 0) << (i % 8));
    }
    block.d = float_to_f16(weights > 0 ? static_cast<float>(sum / weights) : 0);
    std::memcpy(out, &block, sizeof block);
  }
}

void unpack_q1_0(const std::byte* in, std::span<float> values) {
  each_block<BlockQ1_0>(in, values, [](const BlockQ1_0& block, float* out) {
    float d = f16_to_float(block.d);
    for (int i = 0; i < 128; ++i) out[i] = d * static_cast<float>(2 * (block.q[i / 8] >> (i % 8) & 1) - 1);
  });
}

}  // namespace troika::quant
