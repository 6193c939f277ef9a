// MXFP4 (Open Compute Project, Microscaling Formats 1.0): 32 numbers of 4 bits (kFp4Levels) with a power of two in
// common. Packing tries the powers around the one that just holds the largest weight.
#include <bit>
#include <cmath>

#include "tensor/quant/blocks.h"
#include "tensor/quant/iq_tables.h"
#include "tensor/quant/steps.h"

namespace troika::quant {
namespace {

struct Fp4Levels {
  static Four nearest(Four v) {
    Four level = all4(-kFp4Levels.entry[7]);
    for (int i = 1; i < 15; ++i) {
      float below = ascending(i - 1), here = ascending(i);
      level = v > all4((below + here) / 2) ? all4(here) : level;
    }
    return level;
  }
  static float ascending(int i) { return i < 7 ? -kFp4Levels.entry[7 - i] : kFp4Levels.entry[i - 7]; }

  static int index(int level) {
    int i = 0;
    while (kFp4Levels.entry[i] != (level < 0 ? -level : level)) ++i;
    return level < 0 ? i + 8 : i;
  }
};

// 2^(exponent - 128) for 0..255: a float's bits, the two smallest below its normal range.
float power(int exponent) {
  uint32_t bits = exponent < 2 ? 0x00200000u << exponent : static_cast<uint32_t>(exponent - 1) << 23;
  return std::bit_cast<float>(bits);
}

// The least power that clips nothing, or the one below.
int best_exponent(StepGroup group) {
  int log2 = 0;
  std::frexp(std::fabs(largest_of(group)) / 12, &log2);  // at most 2^log2
  int exponent = std::clamp(log2 + 128, 1, 255);
  float error = error_of<Fp4Levels>(group, power(exponent));
  return error_of<Fp4Levels>(group, power(exponent - 1)) < error ? exponent - 1 : exponent;
}

}  // namespace

void pack_mxfp4(Values values, Values importance, std::byte* out) {
  constexpr int n = BlockMxfp4::kValues;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(BlockMxfp4)) {
    TamedBlock<n> tamed(values, importance, first);
    StepGroup group{tamed.x, tamed.w, n};
    BlockMxfp4 block{};
    int exponent = best_exponent(group), i = 0;
    block.exponent = static_cast<uint8_t>(exponent);
    each_level<Fp4Levels>(group, power(exponent), [&](Four, Four, Four level) {
      for (int lane = 0; lane < 4; ++lane, ++i)
        block.q[i % 16] |= static_cast<uint8_t>(Fp4Levels::index(static_cast<int>(level[lane])) << (i / 16 * 4));
    });
    std::memcpy(out, &block, sizeof block);
  }
}

void unpack_mxfp4(const std::byte* in, std::span<float> values) {
  each_block<BlockMxfp4>(in, values, [](const BlockMxfp4& block, float* out) {
    float step = power(block.exponent);
    for (int i = 0; i < 32; ++i) out[i] = step * kFp4Levels.entry[block.q[i % 16] >> (i / 16 * 4) & 15];
  });
}

}  // namespace troika::quant
