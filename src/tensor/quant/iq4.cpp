// IQ4_NL and IQ4_XS: levels of 4 bits that lie closer together near zero (kIq4Levels). IQ4_NL has a step for each
// 32 weights; IQ4_XS is 8 such groups in a block of 256, whose steps are d * (scale - 32) with scales of 6 bits.
// Packed by the search of steps.h.
#include "tensor/quant/blocks.h"
#include "tensor/quant/iq_tables.h"
#include "tensor/quant/steps.h"

namespace troika::quant {
namespace {

struct Iq4Levels {
  static constexpr float kPeaks[] = {-127, -100, -108, -116, -122, -132, -138, -146, 89, 97, 105, 113, 120, 128};

  static Four nearest(Four v) {
    Four level = all4(kIq4Levels.entry[0]);
    for (int i = 1; i < 16; ++i) {
      float below = kIq4Levels.entry[i - 1], here = kIq4Levels.entry[i];
      level = v > all4((below + here) / 2) ? all4(here) : level;
    }
    return level;
  }

  static int index(int level) {
    int i = 0;
    while (i < 15 && kIq4Levels.entry[i] < level) ++i;
    return i;
  }
};

void store_index(uint8_t* nibbles, int i, int level) {  // split nibbles; into zeros
  nibbles[i % 16] |= static_cast<uint8_t>(Iq4Levels::index(level) << (i / 16 * 4));
}

float level_at(const uint8_t* nibbles, int i) { return kIq4Levels.entry[nibbles[i % 16] >> (i / 16 * 4) & 15]; }

}  // namespace

void pack_iq4_nl(Values values, Values importance, std::byte* out) {
  constexpr int n = BlockIQ4NL::kValues;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(BlockIQ4NL)) {
    TamedBlock<n> tamed(values, importance, first);
    StepGroup group{tamed.x, tamed.w, n};
    BlockIQ4NL block{};
    block.d = float_to_f16(best_step<Iq4Levels>(group));
    int i = 0;
    each_level<Iq4Levels>(group, f16_to_float(block.d), [&](Four, Four, Four level) {
      for (int lane = 0; lane < 4; ++lane) store_index(block.q, i++, static_cast<int>(level[lane]));
    });
    std::memcpy(out, &block, sizeof block);
  }
}

void unpack_iq4_nl(const std::byte* in, std::span<float> values) {
  each_block<BlockIQ4NL>(in, values, [](const BlockIQ4NL& block, float* out) {
    float d = f16_to_float(block.d);
    for (int i = 0; i < 32; ++i) out[i] = d * level_at(block.q, i);
  });
}

void pack_iq4_xs(Values values, Values importance, std::byte* out) {
  constexpr int n = BlockIQ4XS::kValues;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(BlockIQ4XS)) {
    TamedBlock<n> tamed(values, importance, first);
    ScaledSteps<Iq4Levels, 8, 32> steps(tamed);
    BlockIQ4XS block{};
    block.d = steps.d();
    for (int g = 0; g < 8; ++g) {
      int scale = steps.scale(g) + 32;
      block.scales_low[g / 2] |= static_cast<uint8_t>((scale & 15) << (g % 2 * 4));
      block.scales_high |= static_cast<uint16_t>((scale >> 4) << (2 * g));
    }
    steps.each_weight([&](int i, int level) { store_index(block.q + i / 32 * 16, i % 32, level); });
    std::memcpy(out, &block, sizeof block);
  }
}

void unpack_iq4_xs(const std::byte* in, std::span<float> values) {
  each_block<BlockIQ4XS>(in, values, [](const BlockIQ4XS& block, float* out) {
    float d = f16_to_float(block.d);
    for (int g = 0; g < 8; ++g) {
      int scale = (block.scales_low[g / 2] >> (g % 2 * 4) & 15) | (block.scales_high >> (2 * g) & 3) << 4;
      float step = d * static_cast<float>(scale - 32);
      for (int i = 0; i < 32; ++i) out[32 * g + i] = step * level_at(block.q + 16 * g, i);
    }
  });
}

}  // namespace troika::quant
