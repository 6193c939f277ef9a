// IQ1_S and IQ1_M: runs of 8 weights from a book of -1, 0, 1, shifted by an eighth up or down (blocks.h). The book is
// in eighths, so a weight is d * (2 * scale + 1) / 8 times a whole number: exact in float32.
#include "tensor/quant/blocks.h"
#include "tensor/quant/iq_tables.h"
#include "tensor/quant/quant.h"

namespace troika::quant {
namespace {

void put_run(uint64_t entry, int shift, float step, float* out) {
  for (int j = 0; j < 8; ++j)
    out[j] = step * static_cast<float>(static_cast<int8_t>(entry >> (8 * j) & 255) + shift);
}

}  // namespace

void unpack_iq1_s(const std::byte* in, std::span<float> values) {
  each_block<BlockIQ1S>(in, values, [](const BlockIQ1S& block, float* out) {
    float d = f16_to_float(block.d);
    for (int run = 0; run < 32; ++run) {
      int high = block.high[run / 4];
      int index = block.q[run] | (high >> (run % 4 * 3) & 7) << 8;
      float step = d * static_cast<float>(2 * (high >> 12 & 7) + 1) / 8;
      put_run(kIq1Book.entry[index], high & 0x8000 ? -1 : 1, step, out + 8 * run);
    }
  });
}

void unpack_iq1_m(const std::byte* in, std::span<float> values) {
  each_block<BlockIQ1M>(in, values, [](const BlockIQ1M& block, float* out) {
    int bits = 0;
    for (int i = 0; i < 4; ++i) bits |= block.scales[i] >> 12 << (4 * i);
    float d = f16_to_float(static_cast<uint16_t>(bits));
    for (int run = 0; run < 32; ++run) {
      int high = block.high[run / 2] >> (run % 2 * 4);
      int index = block.q[run] | (high & 7) << 8;
      int scale = block.scales[run / 8] >> (run % 8 / 2 * 3) & 7;
      put_run(kIq1Book.entry[index], high & 8 ? -1 : 1, d * static_cast<float>(2 * scale + 1) / 8, out + 8 * run);
    }
  });
}

}  // namespace troika::quant
