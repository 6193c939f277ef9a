// Q4_0: 32 weights, w = d * (q - 8) with q in 0..15.
#include "tensor/quant/blocks.h"
#include "tensor/quant/levels.h"

namespace troika::quant {

void pack_q4_0(Values values, Values, std::byte* out) { pack_centred<BlockQ4_0>(values, out); }

void unpack_q4_0(const std::byte* in, std::span<float> values) { unpack_centred<BlockQ4_0>(in, values); }

}  // namespace troika::quant
