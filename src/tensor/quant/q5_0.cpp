// Q5_0: 32 weights, w = d * (q - 16) with q in 0..31.
#include "tensor/quant/blocks.h"
#include "tensor/quant/levels.h"

namespace troika::quant {

void pack_q5_0(Values values, Values, std::byte* out) { pack_centred<BlockQ5_0>(values, out); }

void unpack_q5_0(const std::byte* in, std::span<float> values) { unpack_centred<BlockQ5_0>(in, values); }

}  // namespace troika::quant
