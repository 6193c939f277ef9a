// Passes over a row of logits, from which a token is chosen. They go in blocks of kChoiceBlock tokens and leave a value
// for each, so that what follows looks only where there is something to find.
//
// Everything here has the same bits in every table: it is made of single additions and multiplications (no fma, none
// that the compiler may contract), in doubles where sums are taken, and added in one fixed order. So the token that is
// drawn does not depend on the instruction set. GCC makes of its own vectors what the instruction set has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/kernel_table.h"

namespace troika::kernels {

template <class S>
struct Choice {
  static constexpr int kLanes = 4;
  typedef float Floats __attribute__((vector_size(16)));
  typedef int32_t Ints __attribute__((vector_size(16)));
  typedef double Doubles __attribute__((vector_size(32)));
  typedef int64_t Longs __attribute__((vector_size(32)));
  typedef uint64_t Words __attribute__((vector_size(32)));

  // A whole block: what lies behind the end counts as a token that is never chosen.
  static const float* block(const float* logits, size_t n, float (&rest)[kChoiceBlock]) noexcept {
    if (n >= kChoiceBlock) return logits;
    for (size_t i = 0; i < kChoiceBlock; ++i) rest[i] = i < n ? logits[i] : -__builtin_inff();
    return rest;
  }

  static void scaled(const float* logits, const LogitScale& scale, Floats& x) noexcept {
    std::memcpy(&x, logits, sizeof x);
    x = (x - scale.largest) * scale.factor;
  }

  // e^x within 1e-14 of it where x is above kNegligible, else 0 (also where x is no number).
  static void weight(const Floats& x, Doubles& w) noexcept {
    constexpr double kShift = 6755399441055744.0;  // 1.5 · 2^52: adding it rounds, and leaves n in the low bits
    Doubles wide = __builtin_convertvector(x, Doubles);
    Longs kept = wide > double{kNegligible};
    Doubles shifted = wide * 1.4426950408889634 + kShift;
    Doubles n = shifted - kShift;
    Doubles r = (wide - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;  // ln 2 in two parts
    // Taylor's series, even and odd powers apart; |r| is at most ln(2) / 2.
    Doubles square = r * r;
    Doubles even = square * (1.0 / 3628800) + 1.0 / 40320, odd = square * (1.0 / 39916800) + 1.0 / 362880;
    even = even * square + 1.0 / 720, odd = odd * square + 1.0 / 5040;
    even = even * square + 1.0 / 24, odd = odd * square + 1.0 / 120;
    even = even * square + 0.5, odd = odd * square + 1.0 / 6;
    even = even * square + 1, odd = odd * square + 1;
    Doubles p = odd * r + even;
    w = (Doubles)(((Words)p + ((Words)shifted << 52)) & (Words)kept);  // p · 2^n
  }

  // The order of this sum is part of the definition.
  static double sum(const Doubles& a) noexcept { return (a[0] + a[2]) + (a[1] + a[3]); }
};

// The largest logit of each block; those that are no numbers do not count, and a block of nothing else has -∞.
template <class S>
void largest_of_blocks(const float* logits, size_t n, float* largest) noexcept {
  for (size_t b = 0; b * kChoiceBlock < n; ++b, logits += kChoiceBlock) {
    float rest[kChoiceBlock];
    const float* block = Choice<S>::block(logits, n - b * kChoiceBlock, rest);
    typename S::F m = S::set1(-__builtin_inff());
    for (int i = 0; i < kChoiceBlock; i += 8) m = S::max(S::load(block + i), m);
    largest[b] = S::largest(m);
  }
}

template <class S>
void weigh_logits(const float* logits, size_t n, const LogitScale& scale, double* weights, double* sums) noexcept {
  using C = Choice<S>;
  for (size_t b = 0; b * kChoiceBlock < n; ++b, logits += kChoiceBlock, weights += kChoiceBlock) {
    float rest[kChoiceBlock];
    const float* block = C::block(logits, n - b * kChoiceBlock, rest);
    typename C::Doubles total = {};
    for (int i = 0; i < kChoiceBlock; i += C::kLanes) {
      typename C::Floats x;
      typename C::Doubles w;
      C::scaled(block + i, scale, x);
      C::weight(x, w);
      std::memcpy(weights + i, &w, sizeof w);
      total += w;
    }
    sums[b] = C::sum(total);
  }
}

template <class S>
double keep_weights(const float* logits, size_t n, const LogitScale& scale, float bound, int32_t last,
                    double* weights) noexcept {
  using C = Choice<S>;
  float rest[kChoiceBlock];
  logits = C::block(logits, n, rest);
  typename C::Ints id = {0, 1, 2, 3};
  typename C::Doubles total = {};
  for (int i = 0; i < kChoiceBlock; i += C::kLanes, id += C::kLanes) {
    typename C::Floats x;
    typename C::Doubles w;
    C::scaled(logits + i, scale, x);
    typename C::Ints kept = (x > bound) | ((x == bound) & (id <= last));
    std::memcpy(&w, weights + i, sizeof w);
    w = (typename C::Doubles)((typename C::Longs)w & __builtin_convertvector(kept, typename C::Longs));
    std::memcpy(weights + i, &w, sizeof w);
    total += w;
  }
  return C::sum(total);
}

template <class S>
void place(const float* logits, size_t n, const LogitScale& scale, float per_unit, int32_t most,
           int32_t* places) noexcept {
  using C = Choice<S>;
  float rest[kChoiceBlock];
  logits = C::block(logits, n, rest);
  const typename C::Floats limit = typename C::Floats{} + static_cast<float>(most);
  for (int i = 0; i < kChoiceBlock; i += C::kLanes) {
    typename C::Floats x;
    C::scaled(logits + i, scale, x);
    x *= per_unit;
    typename C::Ints at = __builtin_convertvector(x < limit ? x : limit, typename C::Ints);
    std::memcpy(places + i, &at, sizeof at);
  }
}

}  // namespace troika::kernels
