// What the formats of 32 weights with 4 or 5 bits share: where the levels lie (blocks.h), and the reference's two
// ways of rounding. Centred (Q4_0, Q5_0): w = d * (q - half), where the weight of largest magnitude, with its sign,
// becomes exactly q = 0. Ranged (Q4_1, Q5_1): w = d * q + m, the levels laid over the range.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "tensor/quant/quant.h"

namespace troika::quant {

template <class Block>
concept HasFifthBits = requires(Block block) { block.high; };

template <class Block>
constexpr int kTopLevel = HasFifthBits<Block> ? 31 : 15;

template <class Block>
void put_level(Block& block, int i, int q) {  // into a block of zeros
  block.q[i % 16] |= static_cast<uint8_t>((q & 15) << (i / 16 * 4));
  if constexpr (HasFifthBits<Block>) block.high[i / 8] |= static_cast<uint8_t>((q >> 4) << (i % 8));
}

template <class Block>
int level(const Block& block, int i) {
  int q = block.q[i % 16] >> (i / 16 * 4) & 15;
  if constexpr (HasFifthBits<Block>) q |= (block.high[i / 8] >> (i % 8) & 1) << 4;
  return q;
}

// Levels for a step of d; a step that no half can hold gives them all one level.
inline float per_step(float d) { return std::fabs(d) >= 0x1p-126f ? 1 / d : 0; }

template <class Block>
void pack_centred(Values values, std::byte* out) {
  constexpr int n = Block::kValues, kHalf = (kTopLevel<Block> + 1) / 2;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(Block)) {
    float x[n];
    float largest = 0;
    for (int i = 0; i < n; ++i) {
      x[i] = tame(values[first + i]);
      if (std::fabs(x[i]) > std::fabs(largest)) largest = x[i];
    }
    float d = largest / -kHalf, steps = per_step(d);
    Block block{};
    block.d = float_to_f16(d);
    for (int i = 0; i < n; ++i)
      put_level(block, i, std::min(kTopLevel<Block>, static_cast<int>(x[i] * steps + (kHalf + 0.5f))));
    std::memcpy(out, &block, sizeof block);
  }
}

template <class Block>
void unpack_centred(const std::byte* in, std::span<float> values) {
  constexpr int kHalf = (kTopLevel<Block> + 1) / 2;
  each_block<Block>(in, values, [](const Block& block, float* out) {
    float d = f16_to_float(block.d);
    for (int i = 0; i < Block::kValues; ++i) out[i] = d * static_cast<float>(level(block, i) - kHalf);
  });
}

template <class Block>
void pack_ranged(Values values, std::byte* out) {
  constexpr int n = Block::kValues;
  for (size_t first = 0; first < values.size(); first += n, out += sizeof(Block)) {
    float x[n];
    float low = kLargest, high = -kLargest;
    for (int i = 0; i < n; ++i) {
      x[i] = tame(values[first + i]);
      low = std::min(low, x[i]);
      high = std::max(high, x[i]);
    }
    float d = (high - low) / kTopLevel<Block>, steps = per_step(d);
    Block block{};
    block.d = float_to_f16(d);
    block.m = float_to_f16(low);
    for (int i = 0; i < n; ++i)
      put_level(block, i, std::min(kTopLevel<Block>, static_cast<int>((x[i] - low) * steps + 0.5f)));
    std::memcpy(out, &block, sizeof block);
  }
}

template <class Block>
void unpack_ranged(const std::byte* in, std::span<float> values) {
  each_block<Block>(in, values, [](const Block& block, float* out) {
    float d = f16_to_float(block.d), m = f16_to_float(block.m);
    for (int i = 0; i < Block::kValues; ++i) out[i] = d * static_cast<float>(level(block, i)) + m;
  });
}

}  // namespace troika::quant
