// Attention among rows of one tensor (vision towers): a block of queries of one head against the keys and values
// of their common span. Keys are taken 64 at a time, turned so that scores are computed for eight keys at once;
// the softmax runs online. The order of sums depends on the span only, never on how queries are shared out.
#pragma once

#include "kernels/kernel_table.h"
#include "kernels/rows.h"

namespace troika::kernels {

// score[r][j] = q[r] · key[j] for R queries and the tile's keys, keys[d][j]
template <class S, int R>
void score_tile(const float* q, size_t q_stride, const float* keys, int head_dim, float* score) noexcept {
  for (int j = 0; j < kSpanTile; j += 16) {
    typename S::F even[R], odd[R];
    for (int r = 0; r < R; ++r) even[r] = odd[r] = S::zero();
    for (int d = 0; d < head_dim; ++d) {
      typename S::F a = S::load(keys + d * kSpanTile + j), b = S::load(keys + d * kSpanTile + j + 8);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        typename S::F x = S::set1(q[r * q_stride + d]);
        even[r] = S::fma(x, a, even[r]);
        odd[r] = S::fma(x, b, odd[r]);
      }
    }
    for (int r = 0; r < R; ++r) {
      S::store(score + r * kSpanTile + j, even[r]);
      S::store(score + r * kSpanTile + j + 8, odd[r]);
    }
  }
}

// total[r] += Σj weight[r][j] · value[j] for R queries
template <class S, int R>
void mix_tile(const float* weight, const float* values, int count, int padded, float* total) noexcept {
  for (int d = 0; d < padded; d += 8) {
    typename S::F sum[R];
    for (int r = 0; r < R; ++r) sum[r] = S::load(total + r * padded + d);
    for (int j = 0; j < count; ++j) {
      typename S::F value = S::load(values + j * padded + d);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) sum[r] = S::fma(S::set1(weight[r * kSpanTile + j]), value, sum[r]);
    }
    for (int r = 0; r < R; ++r) S::store(total + r * padded + d, sum[r]);
  }
}

// One query's scores become weights e^(score − largest), those beyond `count` zero; returns by how much earlier
// sums must shrink.
template <class S>
float weigh_tile(float* score, int count, float scale, float& largest, float& weight_sum) noexcept {
  using F = typename S::F;
  constexpr float kNone = -1e30f;
  F most = S::set1(largest);
  for (int j = 0; j < kSpanTile; j += 8) S::store(score + j, S::mul(S::load(score + j), S::set1(scale)));
  for (int j = count; j < kSpanTile; ++j) score[j] = kNone;
  for (int j = 0; j < kSpanTile; j += 8) most = S::max(most, S::load(score + j));
  float now = S::largest(most);
  float before[8] = {largest - now};
  S::store(before, exp<S>(S::load(before)));
  F total = S::zero();
  for (int j = 0; j < kSpanTile; j += 8) {
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
void attend_spans(const AttendSpansArgs& args) noexcept {
  int padded = (args.head_dim + 7) / 8 * 8;
  float* keys = args.scratch;                          // [D, tile]
  float* values = keys + padded * kSpanTile;           // [tile, padded]
  float* score = values + padded * kSpanTile;          // [queries, tile]
  float* total = score + kSpanQueries * kSpanTile;     // [queries, padded]
  float* largest = total + kSpanQueries * padded;      // [queries]
  float* weight_sum = largest + kSpanQueries;          // [queries]
  for (int i = 0; i < args.queries * padded; ++i) total[i] = 0;
  for (int r = 0; r < args.queries; ++r) {
    largest[r] = -1e30f;
    weight_sum[r] = 0;
  }
  for (int first = 0; first < args.keys; first += kSpanTile) {
    int count = args.keys - first < kSpanTile ? args.keys - first : kSpanTile;
    for (int j = 0; j < kSpanTile; ++j) {
      const float* key = args.k + size_t(first + j) * args.kv_stride;
      const float* value = args.v + size_t(first + j) * args.kv_stride;
      for (int d = 0; d < args.head_dim; ++d) keys[d * kSpanTile + j] = j < count ? key[d] : 0;
      for (int d = 0; d < padded; ++d) values[j * padded + d] = j < count && d < args.head_dim ? value[d] : 0;
    }
    int r = 0;
    for (; r + 4 <= args.queries; r += 4) {
      score_tile<S, 4>(args.q + r * args.q_stride, args.q_stride, keys, args.head_dim, score + r * kSpanTile);
    }
    for (; r < args.queries; ++r) {
      score_tile<S, 1>(args.q + r * args.q_stride, args.q_stride, keys, args.head_dim, score + r * kSpanTile);
    }
    for (r = 0; r < args.queries; ++r) {
      float keep = weigh_tile<S>(score + r * kSpanTile, count, args.scale, largest[r], weight_sum[r]);
      scale<S>(total + r * padded, keep, total + r * padded, padded);
    }
    for (r = 0; r + 4 <= args.queries; r += 4) {
      mix_tile<S, 4>(score + r * kSpanTile, values, count, padded, total + r * padded);
    }
    for (; r < args.queries; ++r) mix_tile<S, 1>(score + r * kSpanTile, values, count, padded, total + r * padded);
  }
  for (int r = 0; r < args.queries; ++r) {
    for (int d = 0; d < args.head_dim; ++d) args.out[r * args.q_stride + d] = total[r * padded + d] / weight_sum[r];
  }
}

}  // namespace troika::kernels
