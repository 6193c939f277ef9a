// The Simd type of AVX2, FMA and F16C; simd_scalar.h says what each operation means. What AVX-512 does with the same
// instructions stands in Vectors256, a template so that each instruction set has its own copy.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace troika::kernels {

template <class Self>
struct Vectors256 {
  using F = __m256;
  using B = __m256i;

  static void relax() noexcept { _mm_pause(); }

  static F set1(float x) { return _mm256_set1_ps(x); }
  static F zero() { return _mm256_setzero_ps(); }
  static F load(const void* p) { return _mm256_loadu_ps(static_cast<const float*>(p)); }
  static void store(void* p, F x) { _mm256_storeu_ps(static_cast<float*>(p), x); }
  static F load_f16(const void* p) { return _mm256_cvtph_ps(_mm_loadu_si128(static_cast<const __m128i*>(p))); }
  static F load_bf16(const void* p) {
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
  }
  static void store_f16(void* p, F x) {
    _mm_storeu_si128(static_cast<__m128i*>(p), _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
  }
  static float half(uint16_t bits) { return _cvtsh_ss(bits); }

  static F add(F a, F b) { return _mm256_add_ps(a, b); }
  static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F div(F a, F b) { return _mm256_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F fnma(F a, F b, F c) { return _mm256_fnmadd_ps(a, b, c); }
  static F max(F a, F b) { return _mm256_max_ps(a, b); }
  static F min(F a, F b) { return _mm256_min_ps(a, b); }
  static F abs(F a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
  static F round(F a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static F times_power_of_two(F x, F n) {
    __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), exponent));
  }
  static F select_less(F a, F b, F yes, F no) {
    return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
  }
  static float sum(F a) {
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  static float largest(F a) {
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }
  // Of all values; no number where one is not finite. The bits of magnitudes are in their order, what is no number last.
  static float largest_magnitude(const F (&v)[4]) {
    __m256i most = _mm256_setzero_si256();
    for (F x : v) most = _mm256_max_epi32(most, _mm256_castps_si256(abs(x)));
    __m128i four = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    __m128i two = _mm_max_epi32(four, _mm_unpackhi_epi64(four, four));
    float largest = _mm_cvtss_f32(_mm_castsi128_ps(_mm_max_epi32(two, _mm_srli_epi64(two, 32))));
    return largest + (largest - largest);
  }
  static float sqrt(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }

  static B load_bytes(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static B load_16_bytes_twice(const void* p) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  }
  // Eight copies of each of the 4 bytes, of which byte i keeps bit i % 8.
  static B spread_bits(uint32_t bits) {
    const __m256i eight_each = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i own_bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201));
    __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(bits)), eight_each);
    return _mm256_cmpeq_epi8(_mm256_and_si256(bytes, own_bit), own_bit);
  }
  static B spread_bits(const uint8_t* p) {
    uint32_t bits;
    std::memcpy(&bits, p, sizeof bits);
    return spread_bits(bits);
  }
  static B mask(B a, uint8_t bits) { return _mm256_and_si256(a, _mm256_set1_epi8(static_cast<char>(bits))); }
  static B merge(B a, B b) { return _mm256_or_si256(a, b); }
  static B all_bytes(uint8_t b) { return _mm256_set1_epi8(static_cast<char>(b)); }
  static B plus(B a, B b) { return _mm256_add_epi8(a, b); }
  static B at_least(B a, uint8_t bound) { return _mm256_cmpeq_epi8(_mm256_max_epu8(a, all_bytes(bound)), a); }
  static B negate_where(B mask, B a) { return _mm256_sub_epi8(_mm256_xor_si256(a, mask), mask); }
  static B look_up(const int8_t* table, B index) { return _mm256_shuffle_epi8(load_16_bytes_twice(table), index); }
  static B from_words(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    return _mm256_set_epi64x(static_cast<long long>(d), static_cast<long long>(c), static_cast<long long>(b),
                             static_cast<long long>(a));
  }
  template <int N>
  static B shift_left(B a) { return _mm256_slli_epi16(a, N); }
  template <int N>
  static B shift_right(B a) { return _mm256_srli_epi16(a, N); }
  static B halves(B a, B b) { return _mm256_blend_epi32(a, b, 0xf0); }
  template <int Part>
  static F widen(B a) {
    __m128i half = Part < 2 ? _mm256_castsi256_si128(a) : _mm256_extracti128_si256(a, 1);
    if constexpr (Part % 2 == 1) half = _mm_srli_si128(half, 8);
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(half));
  }
  static F widen_unsigned(uint64_t eight) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<long long>(eight))));
  }
  static void store_rounded(int8_t* out, const F (&x)[4], int16_t (&pairs)[2][2]) {
    __m256i i0 = _mm256_cvtps_epi32(x[0]), i1 = _mm256_cvtps_epi32(x[1]);
    __m256i i2 = _mm256_cvtps_epi32(x[2]), i3 = _mm256_cvtps_epi32(x[3]);
    // The packs work within 128-bit halves: the 4-byte pieces come out as 0 2 4 6 | 1 3 5 7 of the order wanted.
    __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(i0, i1), _mm256_packs_epi32(i2, i3));
    packed = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), packed);
    __m256i sums = _mm256_maddubs_epi16(_mm256_set1_epi8(1), packed);
    sums = _mm256_add_epi16(sums, _mm256_shuffle_epi32(sums, 0x4e));
    sums = _mm256_add_epi16(sums, _mm256_shuffle_epi32(sums, 0xb1));
    for (int half = 0; half < 2; ++half) {
      int32_t both = half ? _mm256_extract_epi32(sums, 4) : _mm256_cvtsi256_si32(sums);
      std::memcpy(pairs[half], &both, sizeof both);
    }
  }
  static void store_bytes(void* p, B x) { _mm256_storeu_si256(static_cast<__m256i*>(p), x); }
  static void transpose(B (&b)[8]) {
    __m256i pairs[8], fours[8];  // of 4-byte pieces: rows 0 1 | 2 3 | …, then rows 0 1 2 3 | 4 5 6 7
    for (int i = 0; i < 4; ++i) {
      pairs[2 * i] = _mm256_unpacklo_epi32(b[2 * i], b[2 * i + 1]);
      pairs[2 * i + 1] = _mm256_unpackhi_epi32(b[2 * i], b[2 * i + 1]);
    }
    for (int i = 0; i < 2; ++i) {
      for (int j = 0; j < 2; ++j) {
        fours[4 * i + 2 * j] = _mm256_unpacklo_epi64(pairs[4 * i + j], pairs[4 * i + 2 + j]);
        fours[4 * i + 2 * j + 1] = _mm256_unpackhi_epi64(pairs[4 * i + j], pairs[4 * i + 2 + j]);
      }
    }
    for (int j = 0; j < 4; ++j) {
      b[j] = _mm256_permute2x128_si256(fours[j], fours[4 + j], 0x20);
      b[4 + j] = _mm256_permute2x128_si256(fours[j], fours[4 + j], 0x31);
    }
  }
};

struct Avx2 : Vectors256<Avx2> {
  static constexpr const char* kName = "avx2";
  static constexpr int kQueryRows = 6, kQueryVectors = 1;  // 12 sums, 2 halves of a vector, a query: 15 of 16 registers
  static constexpr int kTile = 4;  // 8 sums of 16 rows × 4 tokens, 2 vectors of weights, a token: within 16 registers
  static constexpr int kSignedOffset = 0;
  static constexpr int kPanelsTogether = 4;  // kernel_table.h; a deep product (18944 columns) by a third faster
  static constexpr bool kFewTokensDirect = false;  // a tile is as fast: it is written while ports are busy
  static constexpr bool kOneTokenDirect = true;  // one token is multiplied without a tile (linear.h)
  using Vectors256::F;
  using Vectors256::B;
  struct R { __m256 low, high; };
  struct I { __m256i low, high; };
  struct P { __m256i low, high; };
  using Vectors256::add;
  using Vectors256::sub;
  using Vectors256::mul;
  using Vectors256::max;
  using Vectors256::min;
  using Vectors256::div;
  using Vectors256::abs;
  using Vectors256::round;
  using Vectors256::times_power_of_two;
  using Vectors256::select_less;
  using Vectors256::fma;
  using Vectors256::fnma;
  using Vectors256::mask;
  using Vectors256::merge;
  using Vectors256::shift_left;
  using Vectors256::shift_right;
  using Vectors256::look_up;
  using Vectors256::plus;

  static R rows(F low, F high) { return {low, high}; }
  static F low(R a) { return a.low; }
  static F high(R a) { return a.high; }
  static R rows_set1(float x) { return {set1(x), set1(x)}; }
  static R rows_zero() { return {zero(), zero()}; }
  static R load_rows(const void* p) { return {load(p), load(static_cast<const float*>(p) + 8)}; }
  static void store_rows(void* p, R x) {
    store(p, x.low);
    store(static_cast<float*>(p) + 8, x.high);
  }
  static R load_rows_f16(const void* p) { return {load_f16(p), load_f16(static_cast<const uint16_t*>(p) + 8)}; }
  static R load_rows_bf16(const void* p) { return {load_bf16(p), load_bf16(static_cast<const uint16_t*>(p) + 8)}; }
  static R load_rows_i8(const void* p) {
    B bytes = load_16_bytes_twice(p);
    return {Vectors256::template widen<0>(bytes), Vectors256::template widen<1>(bytes)};
  }
  template <bool kHigh>
  static R load_rows_i4(const void* p) {
    B bytes = load_16_bytes_twice(p);
    if constexpr (kHigh) bytes = shift_right<4>(bytes);
    bytes = plus(mask(bytes, 15), all_bytes(0xf8));
    return {Vectors256::template widen<0>(bytes), Vectors256::template widen<1>(bytes)};
  }
  static R add(R a, R b) { return {add(a.low, b.low), add(a.high, b.high)}; }
  static R sub(R a, R b) { return {sub(a.low, b.low), sub(a.high, b.high)}; }
  static R mul(R a, R b) { return {mul(a.low, b.low), mul(a.high, b.high)}; }
  static R max(R a, R b) { return {max(a.low, b.low), max(a.high, b.high)}; }
  static R min(R a, R b) { return {min(a.low, b.low), min(a.high, b.high)}; }
  static R div(R a, R b) { return {div(a.low, b.low), div(a.high, b.high)}; }
  static R abs(R a) { return {abs(a.low), abs(a.high)}; }
  static R round(R a) { return {round(a.low), round(a.high)}; }
  static R times_power_of_two(R x, R n) {
    return {times_power_of_two(x.low, n.low), times_power_of_two(x.high, n.high)};
  }
  static R select_less(R a, R b, R yes, R no) {
    return {select_less(a.low, b.low, yes.low, no.low), select_less(a.high, b.high, yes.high, no.high)};
  }
  static R fma(R a, R b, R c) { return {fma(a.low, b.low, c.low), fma(a.high, b.high, c.high)}; }
  static R fnma(R a, R b, R c) { return {fnma(a.low, b.low, c.low), fnma(a.high, b.high, c.high)}; }
  static R to_rows(I a) { return {_mm256_cvtepi32_ps(a.low), _mm256_cvtepi32_ps(a.high)}; }

  static R power_below(R x) {
    const __m256 exponent = _mm256_castsi256_ps(_mm256_set1_epi32(0x7f800000));
    return {_mm256_and_ps(x.low, exponent), _mm256_and_ps(x.high, exponent)};
  }
  static void store_int16(void* to, R x) {
    __m256i packed = _mm256_packs_epi32(_mm256_cvtps_epi32(x.low), _mm256_cvtps_epi32(x.high));
    store_bytes(to, _mm256_permute4x64_epi64(packed, 0xd8));  // the pack works within halves: 0 2 | 1 3
  }
  static void store_pairs(void* to, R even, R odd) {
    store_panel(to, {pairs(even.low, odd.low), pairs(even.high, odd.high)});
  }
  static I add_pairs(I dot, P w, uint32_t pair) {
    __m256i a = _mm256_set1_epi32(static_cast<int>(pair));
    dot.low = _mm256_add_epi32(dot.low, _mm256_madd_epi16(w.low, a));
    dot.high = _mm256_add_epi32(dot.high, _mm256_madd_epi16(w.high, a));
    asm("" : "+x"(dot.low));  // GCC 12 would gather products, more than there are registers
    asm("" : "+x"(dot.high));
    return dot;
  }

  static P load_panel(const void* p) { return {load_bytes(p), load_bytes(static_cast<const std::byte*>(p) + 32)}; }
  static void store_panel(void* p, P x) {
    store_bytes(p, x.low);
    store_bytes(static_cast<std::byte*>(p) + 32, x.high);
  }
  static P mask(P a, uint8_t bits) { return {mask(a.low, bits), mask(a.high, bits)}; }
  static P merge(P a, P b) { return {merge(a.low, b.low), merge(a.high, b.high)}; }
  template <int N>
  static P shift_left(P a) { return {_mm256_slli_epi16(a.low, N), _mm256_slli_epi16(a.high, N)}; }
  template <int N>
  static P shift_right(P a) { return {_mm256_srli_epi16(a.low, N), _mm256_srli_epi16(a.high, N)}; }
  template <int N>
  static P spread_bit(P a) {
    return {_mm256_srai_epi32(_mm256_slli_epi32(a.low, 31 - N), 31),
            _mm256_srai_epi32(_mm256_slli_epi32(a.high, 31 - N), 31)};
  }
  static P look_up(const int8_t* table, P index) { return {look_up(table, index.low), look_up(table, index.high)}; }
  static P plus(P a, int8_t b) {
    const __m256i all = _mm256_set1_epi8(b);
    return {_mm256_add_epi8(a.low, all), _mm256_add_epi8(a.high, all)};
  }
  static P offset_signed(P a) { return a; }
  static B offset_signed(B a) { return a; }
  template <int Part>
  static R widen_lines(P a) {
    __m128i lines = quarter<Part>(a);
    return floats(_mm256_cvtepu8_epi32(lines), _mm256_cvtepu8_epi32(_mm_srli_si128(lines, 8)));
  }
  template <int Part>
  static R widen_signed_lines(P a) {
    __m128i lines = quarter<Part>(a);
    return floats(_mm256_cvtepi8_epi32(lines), _mm256_cvtepi8_epi32(_mm_srli_si128(lines, 8)));
  }
  template <int Part>
  static R widen_column(P a) {
    const __m256i byte = _mm256_set1_epi32(0xff);
    return floats(_mm256_and_si256(_mm256_srli_epi32(a.low, 8 * Part), byte),
                  _mm256_and_si256(_mm256_srli_epi32(a.high, 8 * Part), byte));
  }
  template <int Part>
  static R widen_signed_column(P a) {
    return floats(_mm256_srai_epi32(_mm256_slli_epi32(a.low, 24 - 8 * Part), 24),
                  _mm256_srai_epi32(_mm256_slli_epi32(a.high, 24 - 8 * Part), 24));
  }

  static I no_dots() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }

  // maddubs multiplies unsigned with signed bytes and adds neighbours: 16 bits hold kRun such sums, which are then
  // widened together. Signed weights: w · a = |w| · (a with the sign of w).
  // Signed bytes become magnitudes and signs in the tile. With m = −1 where w is negative and else 0,
  //     w · x = |w| · (x ^ m) + |w| · −m      since x ^ −1 = −x − 1
  // whose last term is the same for all tokens. An exclusive or takes any of the processor's ports, vpsignb those of the
  // products.
  static constexpr bool kSplitsSigns = true;
  static void split_signs(uint8_t* q, uint8_t* sign, int vectors, int32_t* negative) {
    const __m256i ones = _mm256_set1_epi16(1), bytes = _mm256_set1_epi8(1);
    for (int half = 0; half < 2; ++half, q += 32, sign += 32, negative += 8) {
      __m256i sum = _mm256_setzero_si256();
      for (int v = 0; v < vectors; ++v) {
        __m256i w = load_bytes(q + 64 * v), size = _mm256_abs_epi8(w);
        __m256i below = _mm256_cmpgt_epi8(_mm256_setzero_si256(), w);
        store_bytes(q + 64 * v, size);
        store_bytes(sign + 64 * v, below);
        __m256i pairs = _mm256_maddubs_epi16(_mm256_and_si256(size, below), bytes);
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
      }
      store_bytes(negative, sum);
    }
  }

  // Where groups, or halves of 16 columns, have whole factors (TileTraits), these widen the 16-bit sums in place of
  // ones: a group is a whole number then, both halves with one conversion to float.
  static constexpr bool kFactors = true;
  template <int Part>
  static P to_factors(P a) {
    __m128i lines = quarter<Part>(a);
    return {twice(_mm256_cvtepi8_epi32(lines)), twice(_mm256_cvtepi8_epi32(_mm_srli_si128(lines, 8)))};
  }
  static P to_factors(R a) { return {twice(_mm256_cvtps_epi32(a.low)), twice(_mm256_cvtps_epi32(a.high))}; }
  static R load_factors(const int16_t* p) {
    return floats(_mm256_srai_epi32(load_bytes(p), 16), _mm256_srai_epi32(load_bytes(p + 16), 16));
  }

  template <int kMost, bool kSigned>
  struct Dots {
    static constexpr int kFit = 32767 / (2 * 127 * kMost);
    static constexpr int kRun = kFit >= 8 ? 8 : kFit >= 4 ? 4 : kFit >= 2 ? 2 : 1;

    // Adds the products with four columns of one token.
    static I add(I dot, P w, const int8_t* q) {
      const __m256i ones = _mm256_set1_epi16(1);
      int32_t four;
      std::memcpy(&four, q, sizeof four);
      __m256i a = _mm256_set1_epi32(four);
      return {_mm256_add_epi32(dot.low, _mm256_madd_epi16(product(w.low, a), ones)),
              _mm256_add_epi32(dot.high, _mm256_madd_epi16(product(w.high, a), ones))};
    }

    template <int kVectors, int T, typename Of>
    static void run(Of w, const int8_t* q, I (&dot)[T]) {
      const __m256i ones = _mm256_set1_epi16(1);
      clear(dot);
      add_run<kVectors, T>(w, q, {ones, ones}, dot);
    }

    // The same with full bytes as tiles have them: magnitudes, signs and the sum of a group's negative magnitudes. Each
    // product is widened at once, since a second one has no room in 16 bits.
    template <int kVectors, int T>
    static void run_split(const uint8_t* size, const uint8_t* sign, const int32_t* negative, const int8_t* q, I (&dot)[T]) {
      const __m256i ones = _mm256_set1_epi16(1);
#pragma GCC unroll 8
      for (int t = 0; t < T; ++t) dot[t] = {load_bytes(negative), load_bytes(negative + 8)};
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        __m256i low = load_bytes(size + 64 * v), high = load_bytes(size + 64 * v + 32);
        __m256i low_sign = load_bytes(sign + 64 * v), high_sign = load_bytes(sign + 64 * v + 32);
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) {
          int32_t four;
          std::memcpy(&four, q + (v * T + t) * 4, sizeof four);
          __m256i a = _mm256_set1_epi32(four);
          __m256i low_sum = _mm256_maddubs_epi16(low, _mm256_xor_si256(a, low_sign));
          __m256i high_sum = _mm256_maddubs_epi16(high, _mm256_xor_si256(a, high_sign));
          dot[t].low = _mm256_add_epi32(dot[t].low, _mm256_madd_epi16(low_sum, ones));
          dot[t].high = _mm256_add_epi32(dot[t].high, _mm256_madd_epi16(high_sum, ones));
          keep_here(dot[t].low);
          keep_here(dot[t].high);
        }
      }
    }

    // The sums over a group, or its two halves, of factor · (w − kCentre) · x.
    template <int kParts, int kCentre, int T, typename Of>
    static void run_factors(Of w, const int16_t (*factor)[32], const int8_t* q, const int16_t* pairs, I (&dot)[T]) {
      clear(dot);
      if constexpr (kCentre != 0) {
        add_centred<kCentre, T>(w, factor, q, pairs, dot);
      } else {
        constexpr int kVectors = 8 / kParts;
#pragma GCC unroll 2
        for (int part = 0; part < kParts; ++part) {
          auto of_part = [=](int i) [[gnu::always_inline]] { return w(part * kVectors + i); };
          add_run<kVectors, T>(of_part, q + 4 * T * kVectors * part, load_panel(factor[part]), dot);
        }
      }
    }

   private:
    template <int T>
    static void clear(I (&dot)[T]) {
#pragma GCC unroll 8
      for (int t = 0; t < T; ++t) dot[t] = no_dots();
    }

    // Adds the products over kVectors times four columns, 16-bit sums widened with factors.
    template <int kVectors, int T, typename Of>
    [[gnu::always_inline]] static void add_run(Of w, const int8_t* q, P factors, I (&dot)[T]) {
      constexpr int kStep = kRun < kVectors ? kRun : kVectors;
#pragma GCC unroll 8
      for (int begin = 0; begin < kVectors; begin += kStep) {
        __m256i low[T] = {}, high[T] = {};
#pragma GCC unroll 8
        for (int v = begin; v < begin + kStep; ++v) add_products<T>(w(v), q + 4 * T * v, low, high);
        widen<T>(low, high, factors, dot);
      }
    }

    template <int T>
    [[gnu::always_inline]] static void widen(__m256i (&low)[T], __m256i (&high)[T], P factors, I (&dot)[T]) {
#pragma GCC unroll 8
      for (int t = 0; t < T; ++t) {
        dot[t].low = _mm256_add_epi32(dot[t].low, _mm256_madd_epi16(low[t], factors.low));
        dot[t].high = _mm256_add_epi32(dot[t].high, _mm256_madd_epi16(high[t], factors.high));
      }
    }

    // Of two halves, pairs being the sums of x (kernel_table.h). The sum of eight products with w may not fit 16 bits,
    // that with w − kCentre does: what overflows on the way comes back.
    template <int kCentre, int T, typename Of>
    [[gnu::always_inline]] static void add_centred(Of w, const int16_t (*factor)[32], const int8_t* q,
                                                   const int16_t* pairs, I (&dot)[T]) {
      constexpr int kShift = std::countr_zero(unsigned{kCentre});
      static_assert(kCentre == 1 << kShift && 8 * 127 * std::max(kCentre, kMost - kCentre) <= 32767 && kFit >= 1);
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        __m256i low[T], high[T];
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) {
          int32_t both;
          std::memcpy(&both, pairs + 2 * (half * T + t), sizeof both);
          low[t] = high[t] = _mm256_sub_epi16(_mm256_setzero_si256(), _mm256_slli_epi16(_mm256_set1_epi32(both), kShift));
        }
#pragma GCC unroll 4
        for (int v = 4 * half; v < 4 * half + 4; ++v) add_products<T>(w(v), q + 4 * T * v, low, high);
        widen<T>(low, high, load_panel(factor[half]), dot);
      }
    }

    // GCC 12 would gather all products of a sum before it adds any: more than there are registers.
    static void keep_here(__m256i& sum) { asm("" : "+x"(sum)); }
    // Adds a vector's products with four columns of each of T tokens.
    template <int T>
    [[gnu::always_inline]] static void add_products(P w, const int8_t* q, __m256i (&low)[T], __m256i (&high)[T]) {
#pragma GCC unroll 8
      for (int t = 0; t < T; ++t) {
        int32_t four;
        std::memcpy(&four, q + 4 * t, sizeof four);
        __m256i a = _mm256_set1_epi32(four), low_sum = product(w.low, a), high_sum = product(w.high, a);
        low[t] = _mm256_add_epi16(low[t], low_sum);
        high[t] = _mm256_add_epi16(high[t], high_sum);
        keep_here(low[t]);
        keep_here(high[t]);
      }
    }
    static __m256i product(__m256i w, __m256i a) {
      if constexpr (kSigned) return _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(a, w));
      else return _mm256_maddubs_epi16(w, a);
    }
  };

 private:
  static __m256i pairs(__m256 even, __m256 odd) {
    return _mm256_blend_epi16(_mm256_cvtps_epi32(even), _mm256_slli_epi32(_mm256_cvtps_epi32(odd), 16), 0xaa);
  }
  template <int Part>
  static __m128i quarter(P a) {
    __m256i half = Part < 2 ? a.low : a.high;
    return Part % 2 == 0 ? _mm256_castsi256_si128(half) : _mm256_extracti128_si256(half, 1);
  }
  // The lower 16 bits of each 32, in both places.
  static __m256i twice(__m256i a) {
    const __m128i places = _mm_set_epi64x(0x0d0c0d0c09080908, 0x0504050401000100);
    return _mm256_shuffle_epi8(a, _mm256_broadcastsi128_si256(places));
  }
  static R floats(__m256i low, __m256i high) { return {_mm256_cvtepi32_ps(low), _mm256_cvtepi32_ps(high)}; }
};

}  // namespace troika::kernels
