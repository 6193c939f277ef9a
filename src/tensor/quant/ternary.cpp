// TQ1_0 and TQ2_0: 256 weights of three values, w = d * (-1, 0 or 1), in a fifth of a byte or a fourth of one. They
// are meant for models that were trained so, which lose nothing by it.
#include "tensor/quant/blocks.h"
#include "tensor/quant/steps.h"

namespace troika::quant {
namespace {

struct Ternary {
  static constexpr float kPeaks[] = {1, 1.2f, 1.4f, 1.6f, 1.8f, 2, 2.2f, 2.5f, 2.8f, 3.2f};
  static Four nearest(Four v) { return levels4(v, -1, 1); }
};

// Packs with store(block, digits), 256 digits in 0..2, into a block of zeros.
template <class Block, typename Store>
void pack_ternary(Values values, Values importance, std::byte* out, Store store) {
  constexpr int n = Block::kValues;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(Block)) {
    TamedBlock<n> tamed(values, importance, first);
    StepGroup group{tamed.x, tamed.w, n};
    Block block{};
    float step = std::fabs(best_step<Ternary>(group));
    block.d = float_to_f16(step);
    int digits[n], i = 0;
    each_level<Ternary>(group, f16_to_float(block.d), [&](Four, Four, Four level) {
      for (int lane = 0; lane < 4; ++lane) digits[i++] = static_cast<int>(level[lane]) + 1;
    });
    store(block, digits);
    std::memcpy(out, &block, sizeof block);
  }
}

// The bytes of TQ1_0 in three runs: `count` bytes, whose digits n are the weights first + n * count + byte.
struct Run {
  int byte, count, digits, first;
};
constexpr Run kRuns[] = {{0, 32, 5, 0}, {32, 16, 5, 160}, {48, 4, 4, 240}};
constexpr int kPowers[] = {1, 3, 9, 27, 81};

uint8_t& byte_at(BlockTQ1_0& block, int i) { return i < 48 ? block.q[i] : block.high[i - 48]; }
uint8_t byte_at(const BlockTQ1_0& block, int i) { return i < 48 ? block.q[i] : block.high[i - 48]; }

}  // namespace

void pack_tq1_0(Values values, Values importance, std::byte* out) {
  pack_ternary<BlockTQ1_0>(values, importance, out, [](BlockTQ1_0& block, const int* digits) {
    for (Run run : kRuns)
      for (int l = 0; l < run.count; ++l) {
        int number = 0;  // of five digits, the first the highest
        for (int n = 0; n < 5; ++n)
          number = 3 * number + (n < run.digits ? digits[run.first + n * run.count + l] : 0);
        byte_at(block, run.byte + l) = static_cast<uint8_t>((number * 256 + 242) / 243);  // rounded up
      }
  });
}

void unpack_tq1_0(const std::byte* in, std::span<float> values) {
  each_block<BlockTQ1_0>(in, values, [](const BlockTQ1_0& block, float* out) {
    float d = f16_to_float(block.d);
    for (Run run : kRuns)
      for (int n = 0; n < run.digits; ++n)
        for (int l = 0; l < run.count; ++l) {
          int rest = byte_at(block, run.byte + l) * kPowers[n] & 255;
          out[run.first + n * run.count + l] = d * static_cast<float>((rest * 3 >> 8) - 1);
        }
  });
}

void pack_tq2_0(Values values, Values importance, std::byte* out) {
  pack_ternary<BlockTQ2_0>(values, importance, out, [](BlockTQ2_0& block, const int* digits) {
    for (int i = 0; i < 256; ++i)
      block.q[i / 128 * 32 + i % 32] |= static_cast<uint8_t>(digits[i] << (i % 128 / 32 * 2));
  });
}

void unpack_tq2_0(const std::byte* in, std::span<float> values) {
  each_block<BlockTQ2_0>(in, values, [](const BlockTQ2_0& block, float* out) {
    float d = f16_to_float(block.d);
    for (int i = 0; i < 256; ++i)
      out[i] = d * static_cast<float>((block.q[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3) - 1);
  });
}

}  // namespace troika::quant
