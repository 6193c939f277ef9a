// IQ3_XXS and IQ3_S: runs of 8 weights, each two entries of a book of fours with signs (blocks.h).
#include "tensor/quant/blocks.h"
#include "tensor/quant/iq_tables.h"
#include "tensor/quant/quant.h"

namespace troika::quant {
namespace {

void put_run(uint32_t first, uint32_t second, int signs, float step, float* out) {
  uint64_t entry = first | uint64_t{second} << 32;
  for (int j = 0; j < 8; ++j) {
    auto size = static_cast<float>(entry >> (8 * j) & 255);
    out[j] = step * (signs >> j & 1 ? -size : size);
  }
}

}  // namespace

void unpack_iq3_xxs(const std::byte* in, std::span<float> values) {
  each_block<BlockIQ3XXS>(in, values, [](const BlockIQ3XXS& block, float* out) {
    float d = f16_to_float(block.d);
    for (int run = 0; run < 32; ++run) {
      int g = run / 4;
      uint32_t signs = block.signs[2 * g] | uint32_t{block.signs[2 * g + 1]} << 16;
      float step = d * static_cast<float>(2 * (signs >> 28) + 1) / 4;
      put_run(kIq3XxsBook.entry[block.q[2 * run]], kIq3XxsBook.entry[block.q[2 * run + 1]],
              kEvenSigns.entry[signs >> (7 * (run % 4)) & 127], step, out + 8 * run);
    }
  });
}

void unpack_iq3_s(const std::byte* in, std::span<float> values) {
  each_block<BlockIQ3S>(in, values, [](const BlockIQ3S& block, float* out) {
    float d = f16_to_float(block.d);
    auto entry = [&](int i) { return kIq3SBook.entry[block.q[i] | (block.high[i / 8] >> (i % 8) & 1) << 8]; };
    for (int run = 0; run < 32; ++run) {
      int g = run / 4, scale = block.scales[g / 2] >> (g % 2 * 4) & 15;
      float step = d * static_cast<float>(2 * scale + 1);
      put_run(entry(2 * run), entry(2 * run + 1), block.signs[run], step, out + 8 * run);
    }
  });
}

}  // namespace troika::quant
