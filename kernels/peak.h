// The arithmetic peaks of an instruction set: loops that do nothing but the multiply-adds that linear.h is made of, on
// a tile of its size, with operands that never leave the registers or the first cache. Nothing that multiplies with the
// same instructions is faster, so `troika bench` gives speeds as shares of these.
#pragma once

#include <cstdint>

namespace troika::kernels {

// What was computed counts as used, and memory as changed: no round may be left out or done once for all.
template <class S, class T>
inline void keep(T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

// Float32: sums of 16 rows × tokens, half as many tokens again as a tile has, since a tile's own sums just cover the
// latency of the multiply-adds. Returns the operations done; a multiply-add is two.
template <class S>
int64_t fp32_peak(int64_t rounds) noexcept {
  constexpr int kSums = S::kTile + S::kTile / 2, kPerRound = 8;
  alignas(64) float start[16 * (kSums + 2)];
  for (float& value : start) value = 0.5f;  // x · ½ + ½ stays an ordinary number for ever
  keep<S>(start);                           // for all the compiler knows, no two are equal
  typename S::R factor = S::load_rows(start), term = S::load_rows(start + 16), sum[kSums];
#pragma GCC unroll 32
  for (int i = 0; i < kSums; ++i) sum[i] = S::load_rows(start + 16 * (i + 2));
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 8
    for (int again = 0; again < kPerRound; ++again) {
#pragma GCC unroll 32
      for (int i = 0; i < kSums; ++i) sum[i] = S::fma(sum[i], factor, term);
    }
  }
  keep<S>(sum);
  return rounds * kPerRound * kSums * 16 * 2;
}

// Int8: the products of a tile with 4-bit weights (the longest run of 16-bit sums that AVX2's maddubs has), over 128
// columns.
template <class S>
int64_t int8_peak(int64_t rounds) noexcept {
  constexpr int kVectors = 32, kTokens = S::kTile;  // a vector: 4 columns of 16 rows
  alignas(64) uint8_t weights[64 * kVectors];
  alignas(64) int8_t tokens[4 * kTokens * kVectors];
  for (int i = 0; i < 64 * kVectors; ++i) weights[i] = static_cast<uint8_t>(i % 16);
  for (int i = 0; i < 4 * kTokens * kVectors; ++i) tokens[i] = static_cast<int8_t>(i % 255 - 127);
  keep<S>(weights);
  keep<S>(tokens);
  auto vector = [&weights](int i) { return S::load_panel(weights + 64 * i); };
  for (int64_t round = 0; round < rounds; ++round) {
    typename S::I dot[kTokens];
    S::template Dots<15, false>::template run<kVectors, kTokens>(vector, tokens, dot);
    keep<S>(dot);
  }
  return rounds * (64 * kVectors) * kTokens * 2;
}

}  // namespace troika::kernels
