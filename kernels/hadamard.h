// The orthonormal Hadamard transform, by which a head's numbers are rotated before a cache keeps them in few bits: an
// outlier is then spread over all of them, and no block's scale is its alone (QuaRot, Ashkboos et al. 2024,
// arXiv:2404.00456). With n numbers, a power of two,
//
//   H[i][j] = (−1)^(number of bits that i and j both have) / √n
//
// is symmetric and its own inverse: (Hq)·(Hk) = q·k, and H(Σ w · Hv) = Σ w · v.
#pragma once

#include <cstring>

#include "kernels/kernel_table.h"

namespace troika::kernels {

// The steps between numbers of which only the lowest three bits of their places differ, of eight numbers.
template <class S>
void rotate_eight(float* x) noexcept {
  float a[8], b[8];
  for (int i = 0; i < 4; ++i) {
    a[2 * i] = x[2 * i] + x[2 * i + 1];
    a[2 * i + 1] = x[2 * i] - x[2 * i + 1];
  }
  for (int i = 0; i < 8; i += 4) {
    for (int j = i; j < i + 2; ++j) {
      b[j] = a[j] + a[j + 2];
      b[j + 2] = a[j] - a[j + 2];
    }
  }
  for (int i = 0; i < 4; ++i) {
    x[i] = b[i] + b[i + 4];
    x[i + 4] = b[i] - b[i + 4];
  }
}

// Every `size` of `count` numbers on their own; size is a power of two from 8 on. x and out may be the same.
template <class S>
void rotate(const float* x, float* out, int count, int size) noexcept {
  using F = typename S::F;
  if (x != out) std::memcpy(out, x, count * sizeof(float));
  F norm = S::set1(1 / S::sqrt(static_cast<float>(size)));
  for (int i = 0; i < count; i += 8) {
    rotate_eight<S>(out + i);
    S::store(out + i, S::mul(S::load(out + i), norm));
  }
  for (int half = 8; half < size; half *= 2) {
    for (int first = 0; first < count; first += 2 * half) {
      for (float* at = out + first; at < out + first + half; at += 8) {
        F a = S::load(at), b = S::load(at + half);
        S::store(at, S::add(a, b));
        S::store(at + half, S::sub(a, b));
      }
    }
  }
}

}  // namespace troika::kernels
