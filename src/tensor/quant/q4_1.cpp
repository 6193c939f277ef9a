// Q4_1: 32 weights, w = d * q + m with q in 0..15.
#include "tensor/quant/blocks.h"
#include "tensor/quant/levels.h"

namespace troika::quant {

void pack_q4_1(Values values, Values, std::byte* out) { pack_ranged<BlockQ4_1>(values, out); }

void unpack_q4_1(const std::byte* in, std::span<float> values) { unpack_ranged<BlockQ4_1>(in, values); }

}  // namespace troika::quant
