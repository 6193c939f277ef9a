// The pack and unpack functions of every format, for the table in format.cpp (and for nobody else: ask
// info()). Values that no block can hold are tamed before they are packed: NaN becomes 0, infinities the
// largest half.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

#include "base/half.h"

namespace troika::quant {

using Values = std::span<const float>;
using Pack = void(Values values, Values importance, std::byte* out);
using Unpack = void(const std::byte* in, std::span<float> values);

Pack pack_f32, pack_f16, pack_bf16, pack_i32;
Unpack unpack_f32, unpack_f16, unpack_bf16, unpack_i32;

Pack pack_q8_0, pack_q4_0, pack_q4_1, pack_q5_0, pack_q5_1, pack_iq4_nl, pack_mxfp4, pack_q1_0,
    pack_q2_0;
Unpack unpack_q8_0, unpack_q4_0, unpack_q4_1, unpack_q5_0, unpack_q5_1, unpack_iq4_nl, unpack_mxfp4,
    unpack_q1_0, unpack_q2_0;

Pack pack_q2_k, pack_q3_k, pack_q4_k, pack_q5_k, pack_q6_k, pack_iq4_xs, pack_tq1_0, pack_tq2_0;
Unpack unpack_q2_k, unpack_q3_k, unpack_q4_k, unpack_q5_k, unpack_q6_k, unpack_iq4_xs, unpack_tq1_0, unpack_tq2_0;

// The code-book formats are only read.
Unpack unpack_iq1_s, unpack_iq1_m, unpack_iq2_xxs, unpack_iq2_xs, unpack_iq2_s, unpack_iq3_xxs, unpack_iq3_s;

inline constexpr float kLargest = 65504;  // the largest half: no scale of a tamed value overflows

inline float tame(float value) { return value == value ? std::clamp(value, -kLargest, kLargest) : 0.0f; }
inline float tame_importance(float value) { return value > 0 ? std::min(value, 1e12f) : 0.0f; }

// Tamed weights of a block and their importance, 1 where there is none.
template <int kCount>
struct TamedBlock {
  float x[kCount], w[kCount];

  TamedBlock(Values values, Values importance, size_t first) {
    for (int i = 0; i < kCount; ++i) {
      x[i] = tame(values[first + i]);
      w[i] = importance.empty() ? 1.0f : tame_importance(importance[first + i]);
    }
  }
};

inline float as_half(float value) { return f16_to_float(float_to_f16(value)); }

// Calls use(block, out) for every block, `out` being the place of its values. Files do not promise alignment, so
// each block is copied first.
template <class Block, typename Use>
void each_block(const std::byte* in, std::span<float> values, Use use) {
  for (size_t first = 0; first < values.size(); first += Block::kValues, in += sizeof(Block)) {
    Block block;
    std::memcpy(&block, in, sizeof block);
    use(block, values.data() + first);
  }
}

}  // namespace troika::quant
