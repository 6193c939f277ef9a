// Q4_0: 32 weights, w = d * (q - 8) with q in 0..15. The reference's rounding: the weight of largest
// magnitude, with its sign, becomes exactly q = 0, so d = that weight / -8.
#include <cmath>
#include <cstring>

#include "base/half.h"
#include "tensor/quant/blocks.h"
#include "tensor/quant/quant.h"

namespace troika::quant {

void pack_q4_0(Values values, Values, std::byte* out) {
  constexpr int n = BlockQ4_0::kValues;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(BlockQ4_0)) {
    float x[n];
    float largest = 0;
    for (int i = 0; i < n; ++i) {
      x[i] = tame(values[first + i]);
      if (std::fabs(x[i]) > std::fabs(largest)) largest = x[i];
    }
    float d = largest / -8;
    float inverse = std::fabs(d) >= 0x1p-126f ? 1 / d : 0;  // below that a half cannot hold d anyway
    BlockQ4_0 block;
    block.d = float_to_f16(d);
    auto quantised = [&](float value) { return std::min(15, static_cast<int>(value * inverse + 8.5f)); };
    for (int i = 0; i < n / 2; ++i)
      block.q[i] = static_cast<uint8_t>(quantised(x[i]) | quantised(x[i + n / 2]) << 4);
    std::memcpy(out, &block, sizeof block);
  }
}

void unpack_q4_0(const std::byte* in, std::span<float> values) {
  constexpr int n = BlockQ4_0::kValues;
  for (size_t first = 0; first < values.size(); first += n, in += sizeof(BlockQ4_0)) {
    BlockQ4_0 block;
    std::memcpy(&block, in, sizeof block);
    float d = f16_to_float(block.d);
    for (int i = 0; i < n / 2; ++i) {
      values[first + i] = d * static_cast<float>((block.q[i] & 15) - 8);
      values[first + i + n / 2] = d * static_cast<float>((block.q[i] >> 4) - 8);
    }
  }
}

}  // namespace troika::quant
