// IQ2_XXS, IQ2_XS and IQ2_S: runs of 8 weights, each an entry of a book with signs (blocks.h).
#include "tensor/quant/blocks.h"
#include "tensor/quant/iq_tables.h"
#include "tensor/quant/quant.h"

namespace troika::quant {
namespace {

void put_run(uint64_t entry, int signs, float step, float* out) {
  for (int j = 0; j < 8; ++j) {
    auto size = static_cast<float>(entry >> (8 * j) & 255);
    out[j] = step * (signs >> j & 1 ? -size : size);
  }
}

float step_of(float d, int scale) { return d * static_cast<float>(2 * scale + 1) / 8; }

}  // namespace

void unpack_iq2_xxs(const std::byte* in, std::span<float> values) {
  each_block<BlockIQ2XXS>(in, values, [](const BlockIQ2XXS& block, float* out) {
    float d = f16_to_float(block.d);
    for (int run = 0; run < 32; ++run) {
      const uint16_t* words = block.words + run / 4 * 4;
      int l = run % 4, index = words[l / 2] >> (l % 2 * 8) & 255;
      uint32_t signs = words[2] | uint32_t{words[3]} << 16;
      float step = step_of(d, static_cast<int>(signs >> 28));
      put_run(kIq2XxsBook.entry[index], kEvenSigns.entry[signs >> (7 * l) & 127], step, out + 8 * run);
    }
  });
}

void unpack_iq2_xs(const std::byte* in, std::span<float> values) {
  each_block<BlockIQ2XS>(in, values, [](const BlockIQ2XS& block, float* out) {
    float d = f16_to_float(block.d);
    for (int run = 0; run < 32; ++run) {
      float step = step_of(d, block.scales[run / 4] >> (run % 4 / 2 * 4) & 15);
      int q = block.q[run];
      put_run(kIq2XsBook.entry[q & 511], kEvenSigns.entry[q >> 9], step, out + 8 * run);
    }
  });
}

void unpack_iq2_s(const std::byte* in, std::span<float> values) {
  each_block<BlockIQ2S>(in, values, [](const BlockIQ2S& block, float* out) {
    float d = f16_to_float(block.d);
    for (int run = 0; run < 32; ++run) {
      float step = step_of(d, block.scales[run / 4] >> (run % 4 / 2 * 4) & 15);
      int index = block.q[run] | (block.high[run / 4] >> (run % 4 * 2) & 3) << 8;
      put_run(kIq2SBook.entry[index], block.signs[run], step, out + 8 * run);
    }
  });
}

}  // namespace troika::quant
