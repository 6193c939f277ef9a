// Causal attention of one token over the paged cache. All query heads of a key/value head go together, so that
// each key and value is converted once. The softmax runs online, page by page from the first page needed: the
// order of sums depends on the token's own position only, never on the batch.
#pragma once

#include "kernels/kernel_table.h"
#include "kernels/rows.h"

namespace troika::kernels {

// Rows of `width` floats become rows of `padded` floats, zeros behind.
template <class S>
void pad_rows(const float* from, float* to, int rows, int width, int padded) noexcept {
  for (int i = 0; i < rows; ++i, from += width, to += padded) {
    std::memcpy(to, from, width * sizeof(float));
    for (int d = width; d < padded; ++d) to[d] = 0;
  }
}

// Tokens [begin, end) of one page and head as padded float rows; row j of `to` is token j of the page.
template <class S>
void load_page(const AttendArgs& args, const std::byte* cache, size_t page, int begin, int end, int padded,
               float* to) noexcept {
  size_t row = (page * args.kv_heads + args.kv_head) * args.page_tokens + begin;
  if (!args.half) {
    pad_rows<S>(reinterpret_cast<const float*>(cache) + row * args.head_dim, to + size_t(begin) * padded, end - begin,
                args.head_dim, padded);
    return;
  }
  const std::byte* from = cache + row * args.head_dim * sizeof(uint16_t);
  for (int j = begin; j < end; ++j, from += args.head_dim * sizeof(uint16_t)) {
    float* out = to + size_t(j) * padded;
    int d = 0;
    for (; d + 8 <= args.head_dim; d += 8) S::store(out + d, S::load_f16(from + d * sizeof(uint16_t)));
    if (d < args.head_dim) {
      uint16_t rest[8] = {};
      std::memcpy(rest, from + d * sizeof(uint16_t), (args.head_dim - d) * sizeof(uint16_t));
      S::store(out + d, S::load_f16(rest));
    }
  }
}

// score[r][j] = q[r] · key[j] for R heads
template <class S, int R>
void score_heads(const float* q, const float* keys, int begin, int end, int padded, float* score) noexcept {
  for (int j = begin; j < end; ++j) {
    typename S::F sum[R];
    for (int r = 0; r < R; ++r) sum[r] = S::zero();
    for (int d = 0; d < padded; d += 8) {
      typename S::F key = S::load(keys + size_t(j) * padded + d);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) sum[r] = S::fma(S::load(q + r * padded + d), key, sum[r]);
    }
    for (int r = 0; r < R; ++r) score[r * kMaxPageTokens + j] = S::sum(sum[r]);
  }
}

// total[r] = total[r] · keep[r] + Σj weight[r][j] · value[j] for R heads
template <class S, int R>
void mix_values(const float* weight, const float* keep, const float* values, int begin, int end, int padded,
                float* total) noexcept {
  for (int d = 0; d < padded; d += 8) {
    typename S::F sum[R];
    for (int r = 0; r < R; ++r) sum[r] = S::mul(S::load(total + r * padded + d), S::set1(keep[r]));
    for (int j = begin; j < end; ++j) {
      typename S::F value = S::load(values + size_t(j) * padded + d);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) sum[r] = S::fma(S::set1(weight[r * kMaxPageTokens + j]), value, sum[r]);
    }
    for (int r = 0; r < R; ++r) S::store(total + r * padded + d, sum[r]);
  }
}

// One head's scores become weights e^(score − largest); returns by how much earlier sums must shrink.
template <class S>
float weigh(const AttendArgs& args, float* score, int begin, int end, float& largest, float& weight_sum) noexcept {
  using F = typename S::F;
  constexpr float kNone = -1e30f;  // padding: its weight is set to zero below
  for (int j = 0; j < kMaxPageTokens; ++j) {
    if (j < begin || j >= end) score[j] = kNone;
  }
  F most = S::set1(largest);
  for (int j = 0; j < kMaxPageTokens; j += 8) {
    F s = S::mul(S::load(score + j), S::set1(args.scale));
    if (args.softcap > 0) s = S::mul(S::set1(args.softcap), tanh<S>(S::div(s, S::set1(args.softcap))));
    S::store(score + j, s);
  }
  for (int j = 0; j < kMaxPageTokens; ++j) {
    if (j < begin || j >= end) score[j] = kNone;
  }
  for (int j = 0; j < kMaxPageTokens; j += 8) most = S::max(most, S::load(score + j));
  float now = S::largest(most);
  float before[8] = {largest - now};
  S::store(before, exp<S>(S::load(before)));
  F total = S::zero();
  for (int j = 0; j < kMaxPageTokens; j += 8) {
    F s = S::load(score + j);
    F w = S::select_less(s, S::set1(kNone / 2), S::zero(), exp<S>(S::sub(s, S::set1(now))));
    S::store(score + j, w);
    total = S::add(total, w);
  }
  largest = now;
  weight_sum = weight_sum * before[0] + S::sum(total);
  return before[0];
}

template <class S>
void attend(const AttendArgs& args) noexcept {
  int padded = (args.head_dim + 7) / 8 * 8;
  float* q = args.scratch;                                    // [heads, padded]
  float* total = q + size_t(args.heads) * padded;             // [heads, padded]
  float* page_rows = total + size_t(args.heads) * padded;     // [P, padded]
  float* score = page_rows + size_t(kMaxPageTokens) * padded; // [heads, P]
  float* largest = score + size_t(args.heads) * kMaxPageTokens;
  float* weight_sum = largest + args.heads;
  float keep[4];

  pad_rows<S>(args.q, q, args.heads, args.head_dim, padded);
  for (int i = 0; i < args.heads * padded; ++i) total[i] = 0;
  for (int h = 0; h < args.heads; ++h) {
    largest[h] = -1e30f;
    weight_sum[h] = 0;
  }
  for (int page = args.first / args.page_tokens; page <= args.last / args.page_tokens; ++page) {
    int start = page * args.page_tokens;
    int begin = args.first > start ? args.first - start : 0;
    int end = args.last - start + 1 < args.page_tokens ? args.last - start + 1 : args.page_tokens;
    load_page<S>(args, args.keys, args.pages[page], begin, end, padded, page_rows);
    int h = 0;
    for (; h + 4 <= args.heads; h += 4) {
      score_heads<S, 4>(q + h * padded, page_rows, begin, end, padded, score + h * kMaxPageTokens);
    }
    for (; h < args.heads; ++h) {
      score_heads<S, 1>(q + h * padded, page_rows, begin, end, padded, score + h * kMaxPageTokens);
    }
    load_page<S>(args, args.values, args.pages[page], begin, end, padded, page_rows);
    for (h = 0; h + 4 <= args.heads; h += 4) {
      for (int r = 0; r < 4; ++r) {
        keep[r] = weigh<S>(args, score + (h + r) * kMaxPageTokens, begin, end, largest[h + r], weight_sum[h + r]);
      }
      mix_values<S, 4>(score + h * kMaxPageTokens, keep, page_rows, begin, end, padded, total + h * padded);
    }
    for (; h < args.heads; ++h) {
      keep[0] = weigh<S>(args, score + h * kMaxPageTokens, begin, end, largest[h], weight_sum[h]);
      mix_values<S, 1>(score + h * kMaxPageTokens, keep, page_rows, begin, end, padded, total + h * padded);
    }
  }
  for (int h = 0; h < args.heads; ++h) {
    float inverse = 1 / weight_sum[h];
    for (int d = 0; d < args.head_dim; ++d) args.out[h * args.head_dim + d] = total[h * padded + d] * inverse;
  }
}

}  // namespace troika::kernels
