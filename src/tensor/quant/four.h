// Four floats at a time, for the searches of the packers: GCC's vectors, which every x86-64 and ARM64 has.
#pragma once

#include <cstdint>
#include <cstring>

namespace troika::quant {

using Four = float __attribute__((vector_size(16)));
using FourInts = int32_t __attribute__((vector_size(16)));

inline Four load4(const float* values) {
  Four four;
  std::memcpy(&four, values, sizeof four);
  return four;
}

inline Four all4(float value) { return Four{value, value, value, value}; }

inline float sum4(Four v) { return (v[0] + v[2]) + (v[1] + v[3]); }

// The nearest whole numbers from low to high; NaN gives low.
inline Four levels4(Four v, float low, float high) {
  Four lowest = all4(low), highest = all4(high);
  v = v > lowest ? v : lowest;
  v = v < highest ? v : highest;
  FourInts steps = __builtin_convertvector(v - lowest + 0.5f, FourInts);  // not negative: cutting rounds
  return __builtin_convertvector(steps, Four) + lowest;
}

}  // namespace troika::quant
