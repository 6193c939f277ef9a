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

// Keys and values of q8_0 and q4_0 have whole vectors only: D is a multiple of 32.
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

// Sixteen bytes of q4_0 as steps: one of each pair of values (device.h), that with a place in its block like `place`.
template <class S>
typename S::R steps_of(const std::byte* pairs, int place) noexcept {
  return place % 32 < 16 ? S::template load_rows_i4<false>(pairs) : S::template load_rows_i4<true>(pairs);
}

template <class S>
struct Q4Keys {
  const std::byte* data;  // [D/32, 16, P]
  const float* scales;    // [D/32, P]
  typename S::R at(int row, int column) const noexcept {
    return S::mul(steps_of<S>(data + (row / 32 * 16 + row % 16) * kCachePage + column, row),
                  S::load_rows(scales + row / 32 * kCachePage + column));
  }
  typename S::R rest(int row, int column, int) const noexcept { return at(row, column); }
};

template <class S>
struct Q4Values {
  const std::byte* data;  // [P, D/32, 16]
  const float* scales;    // [P, D/32]
  int width;              // D
  typename S::R at(int row, int column) const noexcept {
    int block = row * (width / 32) + column / 32;
    return S::mul(steps_of<S>(data + block * 16, column), S::rows_set1(scales[block]));
  }
  typename S::R rest(int row, int column, int) const noexcept { return at(row, column); }
};

// The scales of a page's keys or values, P · D / 32 in both.
template <class S>
const float* unpack_scales(const std::byte* from, int head_dim, float* scales) noexcept {
  for (int i = 0; i < head_dim; i += 16) S::store_rows(scales + i, S::load_rows_f16(from + i * sizeof(uint16_t)));
  return scales;
}

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
  static Q8Keys<S> keys(const std::byte* page, int head_dim, float* scales) noexcept {
    return {page, unpack_scales<S>(page + size_t(head_dim) * kCachePage, head_dim, scales)};
  }
  static Q8Values<S> values(const std::byte* page, int head_dim, float* scales) noexcept {
    return {page, unpack_scales<S>(page + size_t(head_dim) * kCachePage, head_dim, scales), head_dim};
  }
};

template <class S>
struct Q4Pages {
  static constexpr int kPartsInPlace = 1;
  static Q4Keys<S> keys(const std::byte* page, int head_dim, float* scales) noexcept {
    return {page, unpack_scales<S>(page + size_t(head_dim) * kCachePage / 2, head_dim, scales)};
  }
  static Q4Values<S> values(const std::byte* page, int head_dim, float* scales) noexcept {
    return {page, unpack_scales<S>(page + size_t(head_dim) * kCachePage / 2, head_dim, scales), head_dim};
  }
};

// 32 values as whole numbers kLeast … kMost with one scale. What is not a number makes the scale none.
template <class S, int kLeast, int kMost>
struct RoundedBlock {
  int8_t q[32];
  uint16_t scale;  // f16

 protected:
  // The scale that takes `extreme`, the value of largest magnitude, to `level`.
  void round(const float* x, float extreme, int level) noexcept {
    typename S::F none = S::zero(), scaled[4];
    for (int i = 0; i < 32; i += 8) none = S::fma(S::load(x + i), S::zero(), none);  // 0, or NaN
    constexpr float kLargest = 65504;
    float wanted = extreme / static_cast<float>(level);
    wanted = wanted < kLargest ? wanted : kLargest;
    uint16_t halves[8];
    S::store_f16(halves, S::set1((wanted > -kLargest ? wanted : -kLargest) + S::sum(none)));
    scale = halves[0];
    float rounded = S::half(scale);
    typename S::F inverse = S::set1(rounded != 0 ? 1 / rounded : 0);
    for (int i = 0; i < 4; ++i) {
      scaled[i] = S::mul(S::load(x + 8 * i), inverse);
      scaled[i] = S::min(S::set1(kMost), S::max(S::set1(kLeast), scaled[i]));  // a tiny scale is a coarse one
    }
    int16_t pairs[2][2];
    S::store_rounded(q, scaled, pairs);
  }
  static float largest_of(const float* x, float sign) noexcept {
    typename S::F most = S::zero();
    for (int i = 0; i < 32; i += 8) most = S::max(most, S::mul(S::load(x + i), S::set1(sign)));
    return S::largest(most);
  }
};

// Scale: largest magnitude / 127.
template <class S>
struct Q8Block : RoundedBlock<S, -127, 127> {
  explicit Q8Block(const float* x) noexcept {
    float high = this->largest_of(x, 1), low = this->largest_of(x, -1);
    this->round(x, high > low ? high : low, 127);
  }
};

// Scale: the value of largest magnitude, with its sign, / −8.
template <class S>
struct Q4Block : RoundedBlock<S, -8, 7> {
  explicit Q4Block(const float* x) noexcept {
    float high = this->largest_of(x, 1), low = this->largest_of(x, -1);
    this->round(x, high > low ? high : -low, -8);
  }
  std::byte pair(int i) const noexcept {
    return static_cast<std::byte>((this->q[i] + 8) | (this->q[i + 16] + 8) << 4);
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
  } else if (cache == Format::q4_0) {
    auto scales = reinterpret_cast<uint16_t*>(page + size_t(head_dim) * kCachePage / 2);
    for (int d = 0; d < head_dim; d += 32) {
      Q4Block<S> block(x + d);
      for (int i = 0; i < 16; ++i) page[(d / 2 + i) * kCachePage + slot] = block.pair(i);
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
  } else if (cache == Format::q4_0) {
    auto scales = reinterpret_cast<uint16_t*>(page + size_t(head_dim) * kCachePage / 2) + slot * (head_dim / 32);
    for (int d = 0; d < head_dim; d += 32) {
      Q4Block<S> block(x + d);
      for (int i = 0; i < 16; ++i) page[(size_t(slot) * head_dim + d) / 2 + i] = block.pair(i);
      scales[d / 32] = block.scale;
    }
  } else {
    std::memcpy(reinterpret_cast<float*>(page) + size_t(slot) * head_dim, x, head_dim * sizeof(float));
  }
}

}  // namespace troika::kernels
