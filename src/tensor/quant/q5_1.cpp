// Q5_1: 32 weights, w = d * q + m with q in 0..31.
#include "tensor/quant/blocks.h"
#include "tensor/quant/levels.h"

namespace troika::quant {

void pack_q5_1(Values values, Values, std::byte* out) { pack_ranged<BlockQ5_1>(values, out); }

void unpack_q5_1(const std::byte* in, std::span<float> values) { unpack_ranged<BlockQ5_1>(in, values); }

}  // namespace troika::quant
