// The Simd type of AVX-512 with BF16: Avx512 and what multiplies pairs. vdpbf16ps adds the products of two bf16 pairs to
// a float32, one after the other; it takes numbers below 2^-126 for zero.
#pragma once

#include "kernels/simd_avx512.h"

namespace troika::kernels {

struct Avx512Bf16 : Avx512 {
  static constexpr const char* kName = "avx512_bf16";

  // 16 sums, each with a pair of one row and the pair of one token.
  static R add_pairs(R sum, P weights, uint32_t pair) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(weights.v),
                            reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int32_t>(pair))));
  }
  // 32 values that follow each other, rounded.
  static void store_bf16(void* to, R first, R second) {
    _mm512_storeu_si512(to, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first)));
  }
  // 16 pairs out of two columns.
  static void store_pairs(void* to, R even, R odd) {
    __m512i low = _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(even)));
    __m512i high = _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(odd)));
    _mm512_storeu_si512(to, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
  }
};

}  // namespace troika::kernels
