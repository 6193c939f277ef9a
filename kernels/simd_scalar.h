// A Simd type names the vectors and operations that kernels are written with: F holds 8 floats, B 32 bytes, W 16
// 16-bit integers. This one is plain C++ and defines what each operation means; simd_avx2.h does the same with
// intrinsics.
//
// The instruction set is a template argument of every kernel and thus in every symbol's name. Files compiled for
// an instruction set call no plain inline function (no std::max, no half.h): the linker keeps one copy of such a
// function for the whole program, and it could be the copy that an older machine cannot run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace troika::kernels {

struct Scalar {
  static constexpr const char* kName = "scalar";
  static constexpr int kFloatTokens = 2, kIntegerTokens = 2;  // widest tiles of linear.h
  struct F { float v[8]; };
  struct B { int8_t v[32]; };
  struct W { int16_t v[16]; };

  static void relax() noexcept {}

  static F set1(float x) {
    F r;
    for (float& v : r.v) v = x;
    return r;
  }
  static F zero() { return set1(0); }
  // Pointers need no alignment.
  static F load(const void* p) {
    F r;
    std::memcpy(&r, p, sizeof r);
    return r;
  }
  static void store(void* p, F x) { std::memcpy(p, &x, sizeof x); }
  static F load_f16(const void* p) {
    uint16_t bits[8];
    std::memcpy(bits, p, sizeof bits);
    F r;
    for (int i = 0; i < 8; ++i) r.v[i] = half(bits[i]);
    return r;
  }
  static F load_bf16(const void* p) {
    uint16_t bits[8];
    std::memcpy(bits, p, sizeof bits);
    F r;
    for (int i = 0; i < 8; ++i) {
      uint32_t wide = uint32_t{bits[i]} << 16;
      std::memcpy(&r.v[i], &wide, sizeof wide);
    }
    return r;
  }
  static void store_f16(void* p, F x) {
    for (int i = 0; i < 8; ++i) {
      _Float16 h = static_cast<_Float16>(x.v[i]);
      std::memcpy(static_cast<std::byte*>(p) + 2 * i, &h, sizeof h);
    }
  }
  static float half(uint16_t bits) {
    _Float16 h;
    std::memcpy(&h, &bits, sizeof h);
    return static_cast<float>(h);
  }

  static F add(F a, F b) { return each(a, b, [](float x, float y) { return x + y; }); }
  static F sub(F a, F b) { return each(a, b, [](float x, float y) { return x - y; }); }
  static F mul(F a, F b) { return each(a, b, [](float x, float y) { return x * y; }); }
  static F div(F a, F b) { return each(a, b, [](float x, float y) { return x / y; }); }
  static F fma(F a, F b, F c) { return add(mul(a, b), c); }   // a·b + c, rounded once or twice
  static F fnma(F a, F b, F c) { return sub(c, mul(a, b)); }  // c − a·b
  static F max(F a, F b) { return each(a, b, [](float x, float y) { return x > y ? x : y; }); }  // NaN: b
  static F min(F a, F b) { return each(a, b, [](float x, float y) { return x < y ? x : y; }); }  // NaN: b
  static F abs(F a) { return each(a, a, [](float x, float) { return x < 0 ? -x : x; }); }
  // Nearest integer, halves to even; |x| below 2^22.
  static F round(F a) {
    return each(a, a, [](float x, float) { return (x + 12582912.0f) - 12582912.0f; });
  }
  // x · 2^n for integers n; the result is a normal number.
  static F times_power_of_two(F x, F n) {
    return each(x, n, [](float value, float power) {
      uint32_t bits;
      std::memcpy(&bits, &value, sizeof bits);
      bits += static_cast<uint32_t>(static_cast<int32_t>(power)) << 23;
      std::memcpy(&value, &bits, sizeof bits);
      return value;
    });
  }
  static F select_less(F a, F b, F yes, F no) {  // lane by lane: a < b ? yes : no
    F r;
    for (int i = 0; i < 8; ++i) r.v[i] = a.v[i] < b.v[i] ? yes.v[i] : no.v[i];
    return r;
  }
  // The order of this sum is part of the definition.
  static float sum(F a) {
    return ((a.v[0] + a.v[4]) + (a.v[2] + a.v[6])) + ((a.v[1] + a.v[5]) + (a.v[3] + a.v[7]));
  }
  static float largest(F a) {
    float r = a.v[0];
    for (float v : a.v) r = r > v ? r : v;
    return r;
  }
  static float sqrt(float x) { return __builtin_sqrtf(x); }

  static B load_bytes(const void* p) {
    B r;
    std::memcpy(&r, p, sizeof r);
    return r;
  }
  static B load_16_bytes_twice(const void* p) {
    B r;
    std::memcpy(r.v, p, 16);
    std::memcpy(r.v + 16, p, 16);
    return r;
  }
  // Byte i is 0xff where bit i is set, else 0.
  static B spread_bits(uint32_t bits) {
    B r;
    for (int i = 0; i < 32; ++i) r.v[i] = (bits >> i & 1) ? -1 : 0;
    return r;
  }
  static B spread_bits(const uint8_t* p) {  // bit i % 8 of byte i / 8
    uint32_t bits;
    std::memcpy(&bits, p, sizeof bits);
    return spread_bits(bits);
  }
  static B mask(B a, uint8_t bits) { return bytes(a, a, [bits](uint8_t x, uint8_t) { return x & bits; }); }
  static B merge(B a, B b) { return bytes(a, b, [](uint8_t x, uint8_t y) { return x | y; }); }
  static B all_bytes(uint8_t b) { return bytes(B{}, B{}, [b](uint8_t, uint8_t) { return b; }); }
  static B plus(B a, B b) { return bytes(a, b, [](uint8_t x, uint8_t y) { return x + y; }); }
  static B minus(B a, uint8_t b) { return bytes(a, a, [b](uint8_t x, uint8_t) { return x - b; }); }
  // Byte i is 0xff where byte i of a, unsigned, is at least `bound`, else 0.
  static B at_least(B a, uint8_t bound) {
    return bytes(a, a, [bound](uint8_t x, uint8_t) { return x >= bound ? 0xff : 0; });
  }
  // The bytes of a, with the other sign where those of `mask` are 0xff and not 0.
  static B negate_where(B mask, B a) { return bytes(mask, a, [](uint8_t m, uint8_t x) { return (x ^ m) - m; }); }
  // Byte i is table[index i], index in 0 … 15.
  static B look_up(const int8_t* table, B index) {
    return bytes(index, index, [table](uint8_t i, uint8_t) { return static_cast<uint8_t>(table[i]); });
  }
  static B from_words(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {  // bytes 0–7 from a, lowest first
    uint64_t words[4] = {a, b, c, d};
    return load_bytes(words);
  }
  // Shifts of each byte; the caller masks what could come in from a neighbour (before or after).
  template <int N>
  static B shift_left(B a) { return bytes(a, a, [](uint8_t x, uint8_t) { return x << N; }); }
  template <int N>
  static B shift_right(B a) { return bytes(a, a, [](uint8_t x, uint8_t) { return x >> N; }); }
  // Low 16 bytes of a, high 16 bytes of b.
  static B halves(B a, B b) {
    std::memcpy(a.v + 16, b.v + 16, 16);
    return a;
  }
  // Signed bytes 8·part … 8·part+7 as floats.
  template <int Part>
  static F widen(B a) {
    F r;
    for (int i = 0; i < 8; ++i) r.v[i] = a.v[8 * Part + i];
    return r;
  }
  static F widen_unsigned(uint64_t eight) {  // byte 0 is the lowest
    F r;
    for (int i = 0; i < 8; ++i) r.v[i] = static_cast<float>((eight >> (8 * i)) & 0xff);
    return r;
  }
  static W pair(int16_t low, int16_t high) {
    W r;
    for (int i = 0; i < 16; ++i) r.v[i] = i < 8 ? low : high;
    return r;
  }
  // to[i] = pair(byte i of lows, byte i of highs), signed bytes, byte 0 the lowest.
  static void pairs(uint64_t lows, uint64_t highs, W (&to)[8]) {
    for (int i = 0; i < 8; ++i) {
      to[i] = pair(static_cast<int8_t>(lows >> (8 * i) & 0xff), static_cast<int8_t>(highs >> (8 * i) & 0xff));
    }
  }
  // to[i] = pair(byte 2i, byte 2i + 1) of 16 signed bytes, the first eight in `first`.
  static void pairs_of_neighbours(uint64_t first, uint64_t second, W (&to)[8]) {
    for (int i = 0; i < 8; ++i) {
      uint64_t both = (i < 4 ? first : second) >> (i % 4 * 16);
      to[i] = pair(static_cast<int8_t>(both & 0xff), static_cast<int8_t>(both >> 8 & 0xff));
    }
  }
  static float low_of(W pair) { return pair.v[0]; }
  static float high_of(W pair) { return pair.v[8]; }
  // Lane l: the sum over bytes 4l … 4l+3 of w · a · factor, factor[2l] for the first two and [2l+1] for the others.
  // |w · a| summed over two neighbours stays below 2^15. The first takes w in 0 … 127.
  static F dot_unsigned(B w, B a, W factor) { return dot(w, a, factor); }
  static F dot_signed(B w, B a, W factor) { return dot(w, a, factor); }
  // Rounds 32 floats to bytes and returns their sum.
  static int32_t store_rounded(int8_t* out, const F (&x)[4]) {
    int32_t total = 0;
    for (int part = 0; part < 4; ++part) {
      F rounded = round(x[part]);
      for (int i = 0; i < 8; ++i) {
        out[8 * part + i] = static_cast<int8_t>(rounded.v[i] >= -127 && rounded.v[i] <= 127 ? rounded.v[i] : 0);
        total += out[8 * part + i];
      }
    }
    return total;
  }

 private:
  template <typename Op>
  static F each(F a, F b, Op op) {
    F r;
    for (int i = 0; i < 8; ++i) r.v[i] = op(a.v[i], b.v[i]);
    return r;
  }
  template <typename Op>
  static B bytes(B a, B b, Op op) {
    B r;
    for (int i = 0; i < 32; ++i) {
      r.v[i] = static_cast<int8_t>(op(static_cast<uint8_t>(a.v[i]), static_cast<uint8_t>(b.v[i])));
    }
    return r;
  }
  static F dot(B w, B a, W factor) {
    F r;
    for (int lane = 0; lane < 8; ++lane) {
      int32_t total = 0;
      for (int i = 0; i < 4; ++i) {
        total += int32_t{w.v[4 * lane + i]} * a.v[4 * lane + i] * factor.v[2 * lane + i / 2];
      }
      r.v[lane] = static_cast<float>(total);
    }
    return r;
  }
};

}  // namespace troika::kernels
