// The pack and unpack functions of every format, for the table in format.cpp (and for nobody else: ask
// info()). Values that no block can hold are tamed before they are packed: NaN becomes 0, infinities the
// largest half.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace troika::quant {

using Values = std::span<const float>;

void pack_f32(Values values, Values importance, std::byte* out);
void pack_f16(Values values, Values importance, std::byte* out);
void pack_bf16(Values values, Values importance, std::byte* out);
void pack_i32(Values values, Values importance, std::byte* out);
void pack_q8_0(Values values, Values importance, std::byte* out);
void pack_q4_0(Values values, Values importance, std::byte* out);
void pack_q4_1(Values values, Values importance, std::byte* out);
void pack_q5_0(Values values, Values importance, std::byte* out);
void pack_q5_1(Values values, Values importance, std::byte* out);
void pack_q4_k(Values values, Values importance, std::byte* out);
void pack_q5_k(Values values, Values importance, std::byte* out);
void pack_q6_k(Values values, Values importance, std::byte* out);

void unpack_f32(const std::byte* in, std::span<float> values);
void unpack_f16(const std::byte* in, std::span<float> values);
void unpack_bf16(const std::byte* in, std::span<float> values);
void unpack_i32(const std::byte* in, std::span<float> values);
void unpack_q8_0(const std::byte* in, std::span<float> values);
void unpack_q4_0(const std::byte* in, std::span<float> values);
void unpack_q4_1(const std::byte* in, std::span<float> values);
void unpack_q5_0(const std::byte* in, std::span<float> values);
void unpack_q5_1(const std::byte* in, std::span<float> values);
void unpack_q4_k(const std::byte* in, std::span<float> values);
void unpack_q5_k(const std::byte* in, std::span<float> values);
void unpack_q6_k(const std::byte* in, std::span<float> values);

inline constexpr float kLargest = 65504;  // the largest half: no scale of a tamed value overflows

inline float tame(float value) { return value == value ? std::clamp(value, -kLargest, kLargest) : 0.0f; }
inline float tame_importance(float value) { return value > 0 ? std::min(value, 1e12f) : 0.0f; }

}  // namespace troika::quant
