// Q8_0: 32 weights, w = d * q with q in -127..127. The reference's rounding: d = largest magnitude / 127,
// half away from zero.
#include <cmath>
#include <cstring>

#include "base/half.h"
#include "tensor/quant/blocks.h"
#include "tensor/quant/quant.h"

namespace troika::quant {

void pack_q8_0(Values values, Values, std::byte* out) {
  constexpr int n = BlockQ8_0::kValues;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(BlockQ8_0)) {
    float x[n];
    float largest = 0;
    for (int i = 0; i < n; ++i) {
      x[i] = tame(values[first + i]);
      largest = std::max(largest, std::fabs(x[i]));
    }
    float d = largest / 127;
    float inverse = d >= 0x1p-126f ? 1 / d : 0;  // below that a half cannot hold d anyway
    BlockQ8_0 block;
    block.d = float_to_f16(d);
    for (int i = 0; i < n; ++i) block.q[i] = static_cast<int8_t>(std::round(x[i] * inverse));
    std::memcpy(out, &block, sizeof block);
  }
}

void unpack_q8_0(const std::byte* in, std::span<float> values) {
  each_block<BlockQ8_0>(in, values, [](const BlockQ8_0& block, float* out) {
    float d = f16_to_float(block.d);
    for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(block.q[i]);
  });
}

}  // namespace troika::quant
