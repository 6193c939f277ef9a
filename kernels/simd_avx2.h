// The Simd type of AVX2, FMA and F16C; simd_scalar.h says what each operation means.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace troika::kernels {

struct Avx2 {
  static constexpr const char* kName = "avx2";
  static constexpr int kFloatTokens = 6;  // with 2 rows 12 sums, 2 weights and an activation: 15 of 16 registers
  static constexpr int kIntegerTokens = 8;
  using F = __m256;
  using B = __m256i;
  using W = __m256i;

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
  static B minus(B a, uint8_t b) { return _mm256_sub_epi8(a, _mm256_set1_epi8(static_cast<char>(b))); }
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
  static W pair(int16_t low, int16_t high) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_set1_epi16(low)), _mm_set1_epi16(high), 1);
  }
  static void pairs(uint64_t lows, uint64_t highs, W (&to)[8]) { spread_pairs(sixteen(lows, highs), to); }
  static void pairs_of_neighbours(uint64_t first, uint64_t second, W (&to)[8]) {
    const __m128i evens_then_odds = _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
    spread_pairs(_mm_shuffle_epi8(sixteen(first, second), evens_then_odds), to);
  }
  static float low_of(W pair) { return static_cast<float>(static_cast<int16_t>(_mm256_extract_epi16(pair, 0))); }
  static float high_of(W pair) { return static_cast<float>(static_cast<int16_t>(_mm256_extract_epi16(pair, 8))); }
  // maddubs adds two neighbouring products of an unsigned and a signed byte, madd two neighbouring 16-bit products.
  static F dot_unsigned(B w, B a, W factor) {
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(_mm256_maddubs_epi16(w, a), factor));
  }
  // w · a = |w| · (a with the sign of w): maddubs wants its first operand unsigned.
  static F dot_signed(B w, B a, W factor) {
    return dot_unsigned(_mm256_abs_epi8(w), _mm256_sign_epi8(a, w), factor);
  }
  static int32_t store_rounded(int8_t* out, const F (&x)[4]) {
    __m256i i0 = _mm256_cvtps_epi32(x[0]), i1 = _mm256_cvtps_epi32(x[1]);
    __m256i i2 = _mm256_cvtps_epi32(x[2]), i3 = _mm256_cvtps_epi32(x[3]);
    // The packs work within 128-bit halves: the 4-byte pieces come out as 0 2 4 6 | 1 3 5 7 of the order wanted.
    __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(i0, i1), _mm256_packs_epi32(i2, i3));
    packed = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), packed);
    __m256i total = _mm256_add_epi32(_mm256_add_epi32(i0, i1), _mm256_add_epi32(i2, i3));
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(total), _mm256_extracti128_si256(total, 1));
    __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
  }

 private:
  static __m128i sixteen(uint64_t low, uint64_t high) {
    return _mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low));
  }
  // Byte i to all of the low half of to[i], byte 8 + i to all of its high half, as 16-bit integers.
  static void spread_pairs(__m128i bytes, W (&to)[8]) {
    __m256i wide = _mm256_cvtepi8_epi16(bytes);
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) to[i] = _mm256_shuffle_epi8(wide, _mm256_set1_epi16(short(2 * i | (2 * i + 1) << 8)));
  }
};

}  // namespace troika::kernels
