// 16-bit floats as plain numbers: IEEE half and bfloat16, converted to and from float, round to nearest even.
#pragma once

#include <bit>
#include <cstdint>

namespace troika {

using f16 = _Float16;

inline float f16_to_float(uint16_t bits) { return static_cast<float>(std::bit_cast<f16>(bits)); }
inline uint16_t float_to_f16(float value) { return std::bit_cast<uint16_t>(static_cast<f16>(value)); }

// A bfloat16 is the upper half of a float's bits.
struct bf16 {
  uint16_t bits = 0;
};
static_assert(sizeof(bf16) == 2);

inline float bf16_to_float(bf16 value) { return std::bit_cast<float>(uint32_t{value.bits} << 16); }

inline bf16 float_to_bf16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {static_cast<uint16_t>((bits >> 16) | 0x40)};  // quiet NaN
  return {static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

}  // namespace troika
