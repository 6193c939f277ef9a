// The Simd type of AVX-512 (F, BW, DQ, VL) with VNNI; simd_scalar.h says what each operation means. F and B are the
// vectors of AVX2, everything that has 16 rows is one register.
#pragma once

#include "kernels/simd_avx2.h"

namespace troika::kernels {

struct Avx512 : Vectors256<Avx512> {
  static constexpr const char* kName = "avx512";
  static constexpr int kQueryRows = 8, kQueryVectors = 2;  // 16 sums, 2 vectors, a query: within 32 registers
  static constexpr int kTile = 12;  // 12 sums, 12 products, weights: within 32 registers
  static constexpr int kSignedOffset = 128;  // vpdpbusd wants unsigned weights
  static constexpr bool kFactors = false;  // one product takes four columns: there is nothing to save
  static constexpr int kPanelsTogether = 1;  // of tiles with 12 tokens few are enough for the hardware to foresee
  static constexpr bool kSplitsSigns = false;  // there are none
  static constexpr bool kFewTokensDirect = true;  // few tokens are multiplied without a tile, too
  static constexpr bool kOneTokenDirect = true;  // one token is multiplied without a tile (linear.h)
  using R = __m512;
  struct I { __m512i v; };
  struct P { __m512i v; };
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

  static R rows(F low, F high) { return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1); }
  static F low(R a) { return _mm512_castps512_ps256(a); }
  static F high(R a) { return _mm512_extractf32x8_ps(a, 1); }
  static R rows_set1(float x) { return _mm512_set1_ps(x); }
  static R rows_zero() { return _mm512_setzero_ps(); }
  static R load_rows(const void* p) { return _mm512_loadu_ps(p); }
  static void store_rows(void* p, R x) { _mm512_storeu_ps(p, x); }
  static R load_rows_f16(const void* p) { return _mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p))); }
  static R load_rows_bf16(const void* p) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
  }
  static R load_rows_i8(const void* p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p))));
  }
  // A permutation looks at the lowest four bits of its indices only.
  template <bool kHigh>
  static R load_rows_i4(const void* p) {
    const __m512 levels = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
    __m512i bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
    if constexpr (kHigh) bytes = _mm512_srli_epi32(bytes, 4);
    return _mm512_permutexvar_ps(bytes, levels);
  }
  static R add(R a, R b) { return _mm512_add_ps(a, b); }
  static R sub(R a, R b) { return _mm512_sub_ps(a, b); }
  static R mul(R a, R b) { return _mm512_mul_ps(a, b); }
  static R max(R a, R b) { return _mm512_max_ps(a, b); }
  static R min(R a, R b) { return _mm512_min_ps(a, b); }
  static R div(R a, R b) { return _mm512_div_ps(a, b); }
  static R abs(R a) { return _mm512_abs_ps(a); }
  static R round(R a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static R times_power_of_two(R x, R n) {
    __m512i exponent = _mm512_slli_epi32(_mm512_cvtps_epi32(n), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(x), exponent));
  }
  static R select_less(R a, R b, R yes, R no) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
  }
  static R fma(R a, R b, R c) { return _mm512_fmadd_ps(a, b, c); }
  static R fnma(R a, R b, R c) { return _mm512_fnmadd_ps(a, b, c); }
  static R to_rows(I a) { return _mm512_cvtepi32_ps(a.v); }

  static R power_below(R x) { return _mm512_and_ps(x, _mm512_castsi512_ps(_mm512_set1_epi32(0x7f800000))); }
  static void store_int16(void* to, R x) {
    _mm256_storeu_si256(static_cast<__m256i*>(to), _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(x)));
  }
  static void store_pairs(void* to, R even, R odd) {
    __m512i high = _mm512_slli_epi32(_mm512_cvtps_epi32(odd), 16);
    _mm512_storeu_si512(to, _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_cvtps_epi32(even), high));
  }
  static I add_pairs(I dot, P w, uint32_t pair) {
    return {_mm512_dpwssd_epi32(dot.v, w.v, _mm512_set1_epi32(static_cast<int>(pair)))};
  }

  static P load_panel(const void* p) { return {_mm512_loadu_si512(p)}; }
  static void store_panel(void* p, P x) { _mm512_storeu_si512(p, x.v); }
  static P mask(P a, uint8_t bits) { return {_mm512_and_si512(a.v, _mm512_set1_epi8(static_cast<char>(bits)))}; }
  static P merge(P a, P b) { return {_mm512_or_si512(a.v, b.v)}; }
  template <int N>
  static P shift_left(P a) { return {_mm512_slli_epi16(a.v, N)}; }
  template <int N>
  static P shift_right(P a) { return {_mm512_srli_epi16(a.v, N)}; }
  template <int N>
  static P spread_bit(P a) { return {_mm512_srai_epi32(_mm512_slli_epi32(a.v, 31 - N), 31)}; }
  static P look_up(const int8_t* table, P index) {
    __m512i four_times = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
    return {_mm512_shuffle_epi8(four_times, index.v)};
  }
  static P plus(P a, int8_t b) { return {_mm512_add_epi8(a.v, _mm512_set1_epi8(b))}; }
  static P offset_signed(P a) { return {_mm512_xor_si512(a.v, _mm512_set1_epi8(static_cast<char>(0x80)))}; }
  static B offset_signed(B a) { return _mm256_xor_si256(a, _mm256_set1_epi8(static_cast<char>(0x80))); }
  template <int Part>
  static R widen_lines(P a) { return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(a.v, Part))); }
  template <int Part>
  static R widen_signed_lines(P a) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm512_extracti32x4_epi32(a.v, Part)));
  }
  template <int Part>
  static R widen_column(P a) {
    return _mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32(a.v, 8 * Part), _mm512_set1_epi32(0xff)));
  }
  template <int Part>
  static R widen_signed_column(P a) {
    return _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(a.v, 24 - 8 * Part), 24));
  }

  static I no_dots() { return {_mm512_setzero_si512()}; }

  // One kind for all formats: signed bytes have got their offset.
  struct AnyDots {
    // Adds the products with four columns of one token.
    static I add(I dot, P w, const int8_t* q) {
      int32_t four;
      std::memcpy(&four, q, sizeof four);
      return {_mm512_dpbusd_epi32(dot.v, w.v, _mm512_set1_epi32(four))};
    }
    template <int kVectors, int T, typename Of>
    static void run(Of w, const int8_t* q, I (&dot)[T]) {
#pragma GCC unroll 12
      for (int t = 0; t < T; ++t) dot[t].v = _mm512_setzero_si512();
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        __m512i weights = w(v).v;
#pragma GCC unroll 12
        for (int t = 0; t < T; ++t) {
          int32_t four;
          std::memcpy(&four, q + (v * T + t) * 4, sizeof four);
          dot[t].v = _mm512_dpbusd_epi32(dot[t].v, weights, _mm512_set1_epi32(four));
        }
      }
    }
  };
  template <int kMost, bool kSigned>
  using Dots = AnyDots;
};

}  // namespace troika::kernels
