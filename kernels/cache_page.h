// One page of one key/value head as it lies in the cache (device.h draws it): how rows are read out of it, and how a
// token is written into it. A matrix of a page is read by at(row, column): sixteen values, columns next to each other.
// Keys have D rows of P columns, values P rows of D.
#pragma once

#include <cstring>

#include "kernels/kernel_table.h"

namespace troika::kernels {

// The last, incomplete vector of a row, zeros behind; nothing past the row is read.
template <class S, typename Value>
struct PaddedRest {
  Value values[16] = {};
  PaddedRest(const void* from, int count) noexcept { std::memcpy(values, from, count * sizeof(Value)); }
};

template <class S, typename Value>
struct PlainRows {
  const Value* data;
  int width;
  typename S::R at(int row, int column) const noexcept { return load(data + row * width + column); }
  typename S::R rest(int row, int column, int count) const noexcept {
    return load(PaddedRest<S, Value>(data + row * width + column, count).values);
  }

 private:
  static typename S::R load(const Value* from) noexcept {
    if constexpr (sizeof(Value) == 2) return S::load_rows_f16(from);
    else return S::load_rows(from);
  }
};
template <class S>
using FloatRows = PlainRows<S, float>;
template <class S>
using HalfRows = PlainRows<S, uint16_t>;

// Keys and values of q8_0 have whole vectors only: D is a multiple of 32.
template <class S>
struct Q8Keys {
  const std::byte* data;  // [D, P]
  const float* scales;    // [D/32, P]
  typename S::R at(int row, int column) const noexcept {
    return S::mul(S::load_rows_i8(data + row * kCachePage + column),
                  S::load_rows(scales + row / 32 * kCachePage + column));
  }
  typename S::R rest(int row, int column, int) const noexcept { return at(row, column); }
};

template <class S>
struct Q8Values {
  const std::byte* data;  // [P, D]
  const float* scales;    // [P, D/32]
  int width;              // D
  typename S::R at(int row, int column) const noexcept {
    return S::mul(S::load_rows_i8(data + row * width + column), S::rows_set1(scales[row * (width / 32) + column / 32]));
  }
  typename S::R rest(int row, int column, int) const noexcept { return at(row, column); }
};

// kPartsInPlace: with so many parts of query rows at most (attend.h) a page is read where it lies, else unpacked first.
template <class S>
struct FloatPages {
  static constexpr int kPartsInPlace = 1 << 20;
  static FloatRows<S> keys(const std::byte* page, int, float*) noexcept {
    return {reinterpret_cast<const float*>(page), kCachePage};
  }
  static FloatRows<S> values(const std::byte* page, int head_dim, float*) noexcept {
    return {reinterpret_cast<const float*>(page), head_dim};
  }
};

template <class S>
struct HalfPages {
  static constexpr int kPartsInPlace = 2;
  static HalfRows<S> keys(const std::byte* page, int, float*) noexcept {
    return {reinterpret_cast<const uint16_t*>(page), kCachePage};
  }
  static HalfRows<S> values(const std::byte* page, int head_dim, float*) noexcept {
    return {reinterpret_cast<const uint16_t*>(page), head_dim};
  }
};

template <class S>
struct Q8Pages {
  static constexpr int kPartsInPlace = 1;
  // The same number of scales in both: P · D / 32.
  static void unpack_scales(const std::byte* page, int head_dim, float* scales) noexcept {
    const std::byte* from = page + size_t(head_dim) * kCachePage;
    for (int i = 0; i < head_dim; i += 16) S::store_rows(scales + i, S::load_rows_f16(from + i * sizeof(uint16_t)));
  }
  static Q8Keys<S> keys(const std::byte* page, int head_dim, float* scales) noexcept {
    unpack_scales(page, head_dim, scales);
    return {page, scales};
  }
  static Q8Values<S> values(const std::byte* page, int head_dim, float* scales) noexcept {
    unpack_scales(page, head_dim, scales);
    return {page, scales, head_dim};
  }
};

// 32 values as int8 with one scale, largest magnitude / 127. What is not a number makes the scale none.
template <class S>
struct Q8Block {
  int8_t q[32];
  uint16_t scale;  // f16

  explicit Q8Block(const float* x) noexcept {
    typename S::F most = S::zero(), none = S::zero(), scaled[4];
    for (int i = 0; i < 32; i += 8) {
      most = S::max(most, S::abs(S::load(x + i)));
      none = S::fma(S::load(x + i), S::zero(), none);  // 0, or NaN
    }
    float largest = S::largest(most);
    constexpr float kMost = 127 * 65504.0f;
    uint16_t halves[8];
    S::store_f16(halves, S::set1((largest < kMost ? largest : kMost) / 127 + S::sum(none)));
    scale = halves[0];
    float rounded = S::half(scale);
    typename S::F inverse = S::set1(rounded > 0 ? 1 / rounded : 0), limit = S::set1(127);
    for (int i = 0; i < 4; ++i) {
      scaled[i] = S::mul(S::load(x + 8 * i), inverse);
      scaled[i] = S::min(limit, S::max(S::sub(S::zero(), limit), scaled[i]));  // a tiny scale is a coarse one
    }
    int32_t totals[2];
    S::store_rounded(q, scaled, totals);
  }
};

// D values of a token as halves.
template <class S, typename Put>
void each_half(const float* x, int head_dim, Put put) noexcept {
  for (int d = 0; d < head_dim; d += 8) {
    float padded[8] = {};
    uint16_t halves[8];
    int count = head_dim - d < 8 ? head_dim - d : 8;
    std::memcpy(padded, x + d, count * sizeof(float));
    S::store_f16(halves, S::load(padded));
    for (int i = 0; i < count; ++i) put(d + i, halves[i]);
  }
}

template <class S>
void write_key(Format cache, const float* x, int head_dim, int slot, std::byte* page) noexcept {
  auto floats = reinterpret_cast<float*>(page);
  auto halves = reinterpret_cast<uint16_t*>(page);
  if (cache == Format::f16) {
    each_half<S>(x, head_dim, [=](int d, uint16_t half) { halves[d * kCachePage + slot] = half; });
  } else if (cache == Format::q8_0) {
    auto scales = reinterpret_cast<uint16_t*>(page + size_t(head_dim) * kCachePage);
    for (int d = 0; d < head_dim; d += 32) {
      Q8Block<S> block(x + d);
      for (int i = 0; i < 32; ++i) page[(d + i) * kCachePage + slot] = static_cast<std::byte>(block.q[i]);
      scales[d / 32 * kCachePage + slot] = block.scale;
    }
  } else {
    for (int d = 0; d < head_dim; ++d) floats[d * kCachePage + slot] = x[d];
  }
}

template <class S>
void write_value(Format cache, const float* x, int head_dim, int slot, std::byte* page) noexcept {
  auto halves = reinterpret_cast<uint16_t*>(page) + size_t(slot) * head_dim;
  if (cache == Format::f16) {
    each_half<S>(x, head_dim, [=](int d, uint16_t half) { halves[d] = half; });
  } else if (cache == Format::q8_0) {
    auto scales = reinterpret_cast<uint16_t*>(page + size_t(head_dim) * kCachePage) + slot * (head_dim / 32);
    for (int d = 0; d < head_dim; d += 32) {
      Q8Block<S> block(x + d);
      std::memcpy(page + size_t(slot) * head_dim + d, block.q, sizeof block.q);
      scales[d / 32] = block.scale;
    }
  } else {
    std::memcpy(reinterpret_cast<float*>(page) + size_t(slot) * head_dim, x, head_dim * sizeof(float));
  }
}

}  // namespace troika::kernels
