// A Simd type names the vectors and operations that kernels are written with: F holds 8 floats, B 32 bytes; R holds
// 16 floats and I 16 integers, one for each row of a panel; P holds 64 bytes, four columns of each row (panel.h).
// This one is plain C++ and defines what each operation means; simd_avx2.h and simd_avx512.h do the same with
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
  static constexpr int kQueryRows = 2, kQueryVectors = 1;  // attend.h: rows, and vectors of each, in registers
  static constexpr int kTile = 2;  // tokens that linear.h multiplies together
  // What is added to signed bytes of the full range before a product; its share is taken off again as a min.
  static constexpr int kSignedOffset = 0;
  static constexpr bool kFactors = false;        // groups with whole factors are summed as whole numbers (simd_avx2.h)
  static constexpr int kPanelsTogether = 1;      // kernel_table.h
  static constexpr bool kSplitsSigns = false;    // in tiles (simd_avx2.h)
  static constexpr bool kFewTokensDirect = false;  // few tokens are multiplied without a tile, too
  static constexpr bool kOneTokenDirect = false;  // one token is multiplied without a tile (linear.h)
  struct F { float v[8]; };
  struct B { int8_t v[32]; };
  struct R { float v[16]; };
  struct I { int32_t v[16]; };
  struct P { uint8_t v[64]; };

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
  // Of all values; no number where one is not finite.
  static float largest_magnitude(const F (&v)[4]) {
    float most = 0, spoilt = 0;
    for (const F& f : v) {
      for (float x : f.v) {
        float size = x < 0 ? -x : x;
        most = size > most ? size : most;
        spoilt += x - x;
      }
    }
    return most + spoilt;
  }
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
  // Rounds 32 floats to bytes. Of each half: the sums of the bytes in the first two and the last two places of four.
  static void store_rounded(int8_t* out, const F (&x)[4], int16_t (&pairs)[2][2]) {
    std::memset(pairs, 0, sizeof pairs);
    for (int part = 0; part < 4; ++part) {
      F rounded = round(x[part]);
      for (int i = 0; i < 8; ++i) {
        out[8 * part + i] = static_cast<int8_t>(rounded.v[i] >= -127 && rounded.v[i] <= 127 ? rounded.v[i] : 0);
        pairs[part / 2][i % 4 / 2] = static_cast<int16_t>(pairs[part / 2][i % 4 / 2] + out[8 * part + i]);
      }
    }
  }

  // Sixteen floats.
  static R rows(F low, F high) {
    R r;
    std::memcpy(r.v, low.v, sizeof low);
    std::memcpy(r.v + 8, high.v, sizeof high);
    return r;
  }
  static F low(R a) { return load(a.v); }
  static F high(R a) { return load(a.v + 8); }
  static R rows_set1(float x) { return rows(set1(x), set1(x)); }
  static R rows_zero() { return rows_set1(0); }
  static R load_rows(const void* p) {
    R r;
    std::memcpy(&r, p, sizeof r);
    return r;
  }
  static void store_rows(void* p, R x) { std::memcpy(p, &x, sizeof x); }
  static R load_rows_f16(const void* p) {
    return rows(load_f16(p), load_f16(static_cast<const std::byte*>(p) + 16));
  }
  static R load_rows_bf16(const void* p) {
    return rows(load_bf16(p), load_bf16(static_cast<const std::byte*>(p) + 16));
  }
  static R load_rows_i8(const void* p) {
    int8_t bytes[16];
    std::memcpy(bytes, p, sizeof bytes);
    R r;
    for (int i = 0; i < 16; ++i) r.v[i] = bytes[i];
    return r;
  }
  // The low or the high nibbles of sixteen bytes, less 8.
  template <bool kHigh>
  static R load_rows_i4(const void* p) {
    uint8_t bytes[16];
    std::memcpy(bytes, p, sizeof bytes);
    R r;
    for (int i = 0; i < 16; ++i) r.v[i] = static_cast<float>((kHigh ? bytes[i] >> 4 : bytes[i] & 15) - 8);
    return r;
  }
  static R add(R a, R b) { return rows(add(low(a), low(b)), add(high(a), high(b))); }
  static R sub(R a, R b) { return rows(sub(low(a), low(b)), sub(high(a), high(b))); }
  static R mul(R a, R b) { return rows(mul(low(a), low(b)), mul(high(a), high(b))); }
  static R max(R a, R b) { return rows(max(low(a), low(b)), max(high(a), high(b))); }
  static R min(R a, R b) { return rows(min(low(a), low(b)), min(high(a), high(b))); }
  static R div(R a, R b) { return rows(div(low(a), low(b)), div(high(a), high(b))); }
  static R abs(R a) { return rows(abs(low(a)), abs(high(a))); }
  static R round(R a) { return rows(round(low(a)), round(high(a))); }
  static R times_power_of_two(R x, R n) {
    return rows(times_power_of_two(low(x), low(n)), times_power_of_two(high(x), high(n)));
  }
  static R select_less(R a, R b, R yes, R no) {
    return rows(select_less(low(a), low(b), low(yes), low(no)), select_less(high(a), high(b), high(yes), high(no)));
  }
  static R fma(R a, R b, R c) { return rows(fma(low(a), low(b), low(c)), fma(high(a), high(b), high(c))); }
  static R fnma(R a, R b, R c) { return rows(fnma(low(a), low(b), low(c)), fnma(high(a), high(b), high(c))); }
  static R to_rows(I a) {
    R r;
    for (int i = 0; i < 16; ++i) r.v[i] = static_cast<float>(a.v[i]);
    return r;
  }

  // The power of two that is not above x, which is 0, a normal number or infinite; 0 of 0.
  static R power_below(R x) {
    for (float& v : x.v) {
      uint32_t bits;
      std::memcpy(&bits, &v, sizeof bits);
      bits &= 0x7f800000;
      std::memcpy(&v, &bits, sizeof v);
    }
    return x;
  }
  // Sixteen floats rounded to int16, as `round`; of others than −32767 … 32767 anything comes out.
  static void store_int16(void* to, R x) {
    int16_t whole[16];
    R rounded = round(x);
    for (int i = 0; i < 16; ++i) {
      whole[i] = static_cast<int16_t>(rounded.v[i] >= -32767 && rounded.v[i] <= 32767 ? rounded.v[i] : 0);
    }
    std::memcpy(to, whole, sizeof whole);
  }
  // The same with two columns of 16 rows, side by side.
  static void store_pairs(void* to, R even, R odd) {
    int16_t both[2][16], pairs[16][2];
    store_int16(both[0], even);
    store_int16(both[1], odd);
    for (int row = 0; row < 16; ++row) pairs[row][0] = both[0][row], pairs[row][1] = both[1][row];
    std::memcpy(to, pairs, sizeof pairs);
  }
  static I no_dots() { return {}; }
  // Adds to each of 16 sums the products of a row's pair of int16 with the pair of a token.
  static I add_pairs(I dot, P w, uint32_t pair) {
    int16_t rows[16][2], token[2];
    std::memcpy(rows, w.v, sizeof rows);
    std::memcpy(token, &pair, sizeof token);
    for (int row = 0; row < 16; ++row) dot.v[row] += rows[row][0] * token[0] + rows[row][1] * token[1];
    return dot;
  }

  // Sixty-four bytes; shifts as of B.
  static P load_panel(const void* p) {
    P r;
    std::memcpy(&r, p, sizeof r);
    return r;
  }
  static void store_panel(void* p, P x) { std::memcpy(p, &x, sizeof x); }
  static P mask(P a, uint8_t bits) { return panel(a, a, [bits](uint8_t x, uint8_t) { return x & bits; }); }
  static P merge(P a, P b) { return panel(a, b, [](uint8_t x, uint8_t y) { return x | y; }); }
  template <int N>
  static P shift_left(P a) { return panel(a, a, [](uint8_t x, uint8_t) { return x << N; }); }
  template <int N>
  static P shift_right(P a) { return panel(a, a, [](uint8_t x, uint8_t) { return x >> N; }); }
  // All bits of each of the 16 words of 32 bits are bit N of that word.
  template <int N>
  static P spread_bit(P a) {
    for (int row = 0; row < 16; ++row) {
      uint32_t word;
      std::memcpy(&word, a.v + 4 * row, sizeof word);
      std::memset(a.v + 4 * row, (word >> N & 1) ? 0xff : 0, sizeof word);
    }
    return a;
  }
  static P look_up(const int8_t* table, P index) {  // index in 0 … 15
    return panel(index, index, [table](uint8_t i, uint8_t) { return static_cast<uint8_t>(table[i]); });
  }
  static P plus(P a, int8_t b) { return panel(a, a, [b](uint8_t x, uint8_t) { return x + b; }); }
  // Signed bytes, with kSignedOffset added.
  static P offset_signed(P a) { return a; }
  // Bytes 16·part … 16·part+15 as floats, unsigned or signed.
  template <int Part>
  static R widen_lines(P a) { return pick(a, 16 * Part, 1); }
  template <int Part>
  static R widen_signed_lines(P a) { return pick_signed(a, 16 * Part, 1); }
  // Column `part` of the four that a vector holds of each row.
  template <int Part>
  static R widen_column(P a) { return pick(a, Part, 4); }
  template <int Part>
  static R widen_signed_column(P a) { return pick_signed(a, Part, 4); }
  // Eight groups of 32 bytes, one of each of eight rows, become eight of four columns of those rows:
  // four bytes j of b[i] become four bytes i of b[j].
  static void transpose(B (&b)[8]) {
    B from[8];
    std::memcpy(from, b, sizeof from);
    for (int i = 0; i < 8; ++i) {
      for (int j = 0; j < 8; ++j) std::memcpy(b[j].v + 4 * i, from[i].v + 4 * j, 4);
    }
  }
  static void store_bytes(void* p, B x) { std::memcpy(p, &x, sizeof x); }
  static B offset_signed(B a) { return a; }

  // dot[t] row r: the sum over 4·kVectors columns of w · a of token t; w(v) is vector v of the weights, q
  // four bytes of each of T tokens for each vector. Unsigned bytes of w are at most kMost; signed ones (kSigned) have the
  // full range but −128.
  template <int kMost, bool kSigned>
  struct Dots {
    template <int kVectors, int T, typename Of>
    static void run(Of w, const int8_t* q, I (&dot)[T]) {
      std::memset(dot, 0, sizeof dot);
      for (int v = 0; v < kVectors; ++v) {
        const P weights = w(v);
        for (int t = 0; t < T; ++t) {
          for (int i = 0; i < 64; ++i) {
            int byte = weights.v[i];
            dot[t].v[i / 4] += (kSigned ? static_cast<int8_t>(byte) : byte) * q[(v * T + t) * 4 + i % 4];
          }
        }
      }
    }
  };

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
  template <typename Op>
  static P panel(P a, P b, Op op) {
    P r;
    for (int i = 0; i < 64; ++i) r.v[i] = static_cast<uint8_t>(op(a.v[i], b.v[i]));
    return r;
  }
  static R pick(P a, int first, int step) {
    R r;
    for (int i = 0; i < 16; ++i) r.v[i] = a.v[first + step * i];
    return r;
  }
  static R pick_signed(P a, int first, int step) {
    R r;
    for (int i = 0; i < 16; ++i) r.v[i] = static_cast<int8_t>(a.v[first + step * i]);
    return r;
  }
};

}  // namespace troika::kernels
