// Kernels over rows and over flat ranges of values: norms, activations, rotary embedding, conversions.
// `each8` is their common shape: eight values at a time and the rest through a buffer padded with zeros, which
// gives every value the same arithmetic wherever it stands.
#pragma once

#include <cstring>

#include "kernels/kernel_table.h"

namespace troika::kernels {

// out[i] = op(a[i]) for all i in [0, n)
template <class S, typename Op>
void each8(const float* a, float* out, size_t n, Op op) noexcept {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) S::store(out + i, op(S::load(a + i)));
  if (i < n) {
    float padded[8] = {};
    std::memcpy(padded, a + i, (n - i) * sizeof(float));
    S::store(padded, op(S::load(padded)));
    std::memcpy(out + i, padded, (n - i) * sizeof(float));
  }
}

// out[i] = op(a[i], b[i])
template <class S, typename Op>
void each8(const float* a, const float* b, float* out, size_t n, Op op) noexcept {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) S::store(out + i, op(S::load(a + i), S::load(b + i)));
  if (i < n) {
    float left[8] = {}, right[8] = {};
    std::memcpy(left, a + i, (n - i) * sizeof(float));
    std::memcpy(right, b + i, (n - i) * sizeof(float));
    S::store(left, op(S::load(left), S::load(right)));
    std::memcpy(out + i, left, (n - i) * sizeof(float));
  }
}

// x in every lane of a vector of V's kind.
template <class S, class V>
V all(V, float x) noexcept {
  if constexpr (sizeof(V) == sizeof(typename S::F)) return S::set1(x);
  else return S::rows_set1(x);
}

// e^x within 2 units in the last place, of an F or an R; x is held inside the range of normal floats, so e^-∞ is about
// 1e-38.
template <class S, class V>
V exp(V x) noexcept {
  x = S::min(all<S>(x, 88.0f), S::max(all<S>(x, -86.5f), x));
  V n = S::round(S::mul(x, all<S>(x, 1.44269504f)));
  V r = S::fnma(n, all<S>(x, 0.693359375f), x);  // ln 2 in two parts, the first exact in few bits
  r = S::fnma(n, all<S>(x, -2.12194440e-4f), r);
  V p = all<S>(x, 1.0f / 5040);  // Taylor's series: |r| is at most ln(2) / 2
  p = S::fma(p, r, all<S>(x, 1.0f / 720));
  p = S::fma(p, r, all<S>(x, 1.0f / 120));
  p = S::fma(p, r, all<S>(x, 1.0f / 24));
  p = S::fma(p, r, all<S>(x, 1.0f / 6));
  p = S::fma(p, r, all<S>(x, 0.5f));
  p = S::fma(p, r, all<S>(x, 1));
  p = S::fma(p, r, all<S>(x, 1));
  return S::times_power_of_two(p, n);
}

template <class S, class V>
V tanh(V x) noexcept {
  V one = all<S>(x, 1);
  V far = S::sub(one, S::div(all<S>(x, 2), S::add(one, exp<S>(S::add(x, x)))));
  V square = S::mul(x, x);  // near 0 the line above cancels: Taylor's series there
  V p = all<S>(x, 62.0f / 2835);
  p = S::fma(p, square, all<S>(x, -17.0f / 315));
  p = S::fma(p, square, all<S>(x, 2.0f / 15));
  p = S::fma(p, square, all<S>(x, -1.0f / 3));
  V near = S::fma(S::mul(p, square), x, x);
  return S::select_less(S::abs(x), all<S>(x, 0.3f), near, far);
}

template <class S>
struct Silu {
  typename S::F operator()(typename S::F x) const noexcept {
    return S::div(x, S::add(S::set1(1), exp<S>(S::sub(S::zero(), x))));
  }
};

template <class S>
struct GeluTanh {
  typename S::F operator()(typename S::F x) const noexcept {
    typename S::F cube = S::mul(S::mul(x, x), x);
    typename S::F inner = S::mul(S::set1(0.7978845608f), S::fma(S::set1(0.044715f), cube, x));
    return S::mul(S::mul(S::set1(0.5f), x), S::add(S::set1(1), tanh<S>(inner)));
  }
};

template <class S>
struct GeluErf {
  typename S::F operator()(typename S::F x) const noexcept {
    float v[8];
    S::store(v, x);
    for (float& value : v) value = 0.5f * value * (1 + __builtin_erff(value * 0.70710678f));
    return S::load(v);
  }
};

template <class S>
struct Relu {
  typename S::F operator()(typename S::F x) const noexcept { return S::max(S::zero(), x); }
};

template <class S>
struct Tanh {
  typename S::F operator()(typename S::F x) const noexcept { return tanh<S>(x); }
};

template <class S>
void unary(Unary kind, const float* x, float* out, size_t n) noexcept {
  switch (kind) {
    case Unary::silu: return each8<S>(x, out, n, Silu<S>{});
    case Unary::gelu_tanh: return each8<S>(x, out, n, GeluTanh<S>{});
    case Unary::gelu_erf: return each8<S>(x, out, n, GeluErf<S>{});
    case Unary::relu: return each8<S>(x, out, n, Relu<S>{});
    case Unary::tanh: return each8<S>(x, out, n, Tanh<S>{});
  }
}

template <class S, class Act>
struct TimesUp {
  typename S::F operator()(typename S::F gate, typename S::F up) const noexcept { return S::mul(Act{}(gate), up); }
};

template <class S>
void gated(Unary kind, const float* gate, const float* up, float* out, size_t n) noexcept {
  switch (kind) {
    case Unary::silu: return each8<S>(gate, up, out, n, TimesUp<S, Silu<S>>{});
    case Unary::gelu_tanh: return each8<S>(gate, up, out, n, TimesUp<S, GeluTanh<S>>{});
    case Unary::gelu_erf: return each8<S>(gate, up, out, n, TimesUp<S, GeluErf<S>>{});
    case Unary::relu: return each8<S>(gate, up, out, n, TimesUp<S, Relu<S>>{});
    case Unary::tanh: return each8<S>(gate, up, out, n, TimesUp<S, Tanh<S>>{});
  }
}

template <class S>
void add(const float* a, const float* b, float* out, size_t n) noexcept {
  each8<S>(a, b, out, n, [](typename S::F x, typename S::F y) { return S::add(x, y); });
}

template <class S>
void mul(const float* a, const float* b, float* out, size_t n) noexcept {
  each8<S>(a, b, out, n, [](typename S::F x, typename S::F y) { return S::mul(x, y); });
}

template <class S>
void scale(const float* x, float factor, float* out, size_t n) noexcept {
  each8<S>(x, out, n, [factor](typename S::F v) { return S::mul(v, S::set1(factor)); });
}

template <class S>
void softcap(const float* x, float cap, float* out, size_t n) noexcept {
  each8<S>(x, out, n, [cap](typename S::F v) {
    return S::mul(S::set1(cap), tanh<S>(S::div(v, S::set1(cap))));
  });
}

// Σ (x − shift)²
template <class S>
float sum_of_squares(const float* x, int n, float shift) noexcept {
  typename S::F even = S::zero(), odd = S::zero(), minus = S::set1(shift);
  int i = 0;
  for (; i + 16 <= n; i += 16) {
    typename S::F a = S::sub(S::load(x + i), minus), b = S::sub(S::load(x + i + 8), minus);
    even = S::fma(a, a, even);
    odd = S::fma(b, b, odd);
  }
  for (; i < n; i += 8) {
    float padded[8];
    for (int j = 0; j < 8; ++j) padded[j] = i + j < n ? x[i + j] - shift : 0;
    even = S::fma(S::load(padded), S::load(padded), even);
  }
  return S::sum(S::add(even, odd));
}

template <class S>
void rms_norm(const float* x, const float* weight, float* out, int rows, int columns, float epsilon) noexcept {
  for (int row = 0; row < rows; ++row, x += columns, out += columns) {
    float inverse = 1 / S::sqrt(sum_of_squares<S>(x, columns, 0) / static_cast<float>(columns) + epsilon);
    if (!weight) {
      scale<S>(x, inverse, out, columns);
      continue;
    }
    each8<S>(x, weight, out, columns,
             [inverse](typename S::F v, typename S::F w) { return S::mul(S::mul(v, S::set1(inverse)), w); });
  }
}

template <class S>
void mix(const float* w, const float* const* x, int count, float* out, size_t n) noexcept {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    typename S::F sum = S::mul(S::set1(w[0]), S::load(x[0] + i));
    for (int j = 1; j < count; ++j) sum = S::fma(S::set1(w[j]), S::load(x[j] + i), sum);
    S::store(out + i, sum);
  }
  for (; i < n; ++i) {
    float sum = w[0] * x[0][i];
    for (int j = 1; j < count; ++j) sum += w[j] * x[j][i];
    out[i] = sum;
  }
}

template <class S>
void match_rms(const float* x, const float* like, float* out, int n, float floor) noexcept {
  float wanted = sum_of_squares<S>(like, n, 0) / static_cast<float>(n);
  float own = sum_of_squares<S>(x, n, 0) / static_cast<float>(n);
  scale<S>(x, S::sqrt(wanted) / S::sqrt(own > floor ? own : floor), out, n);
}

template <class S>
float mean_of(const float* x, int n) noexcept {
  double total = 0;
  for (int i = 0; i < n; ++i) total += x[i];
  return static_cast<float>(total / n);
}

template <class S>
void cut_below(const float* x, float* out, int n, float deviations) noexcept {
  float mean = mean_of<S>(x, n);
  float cutoff = mean + deviations * S::sqrt(sum_of_squares<S>(x, n, mean) / static_cast<float>(n));
  each8<S>(x, out, n, [cutoff](typename S::F v) { return S::max(S::zero(), S::sub(v, S::set1(cutoff))); });
}

template <class S>
void layer_norm(const float* x, const float* weight, const float* bias, float* out, int rows, int columns,
                float epsilon) noexcept {
  for (int row = 0; row < rows; ++row, x += columns, out += columns) {
    float mean = mean_of<S>(x, columns);
    float inverse = 1 / S::sqrt(sum_of_squares<S>(x, columns, mean) / static_cast<float>(columns) + epsilon);
    each8<S>(x, weight, out, columns, [=](typename S::F v, typename S::F w) {
      return S::mul(S::mul(S::sub(v, S::set1(mean)), S::set1(inverse)), w);
    });
    add<S>(out, bias, out, columns);
  }
}

template <class S>
void add_norm(const float* a, const float* b, const float* weight, float* sum, float* normed, int rows, int columns,
              float epsilon) noexcept {
  for (int row = 0; row < rows; ++row) {
    size_t at = size_t(row) * columns;
    add<S>(a + at, b + at, sum + at, columns);
    rms_norm<S>(sum + at, weight, normed + at, 1, columns, epsilon);
  }
}

// Half-split rotation of each head: (a, b) → (a·cos − b·sin, b·cos + a·sin).
template <class S>
void rope(const float* x, const float* cosine, const float* sine, float* out, int heads, int head_dim) noexcept {
  using F = typename S::F;
  int half = head_dim / 2;
  for (int h = 0; h < heads; ++h, x += head_dim, out += head_dim) {
    int i = 0;
    for (; i + 8 <= half; i += 8) {
      F a = S::load(x + i), b = S::load(x + half + i), c = S::load(cosine + i), s = S::load(sine + i);
      S::store(out + i, S::fnma(b, s, S::mul(a, c)));
      S::store(out + half + i, S::fma(a, s, S::mul(b, c)));
    }
    for (; i < half; ++i) {
      float a = x[i], b = x[half + i];
      out[i] = a * cosine[i] - b * sine[i];
      out[half + i] = b * cosine[i] + a * sine[i];
    }
  }
}

}  // namespace troika::kernels
