// Attention among rows of one tensor (vision towers): a block of queries of one head against the keys and values
// of their common span. A query is a lane: keys and values are read where they lie, number by number, and only the
// queries are turned, once for the whole span. The softmax runs online over 64 keys at a time. The order of sums
// depends on the span only, never on how queries are shared out.
#pragma once

#include "kernels/kernel_table.h"
#include "kernels/rows.h"

namespace troika::kernels {

// out[a][lane] += Σb x[a · a_step + b · b_step] · y[b][lane] for A values of a and C vectors of lanes
template <class S, int A, int C>
void add_products(const float* x, size_t a_step, size_t b_step, int count, const float* y, float* out) noexcept {
  typename S::R sum[A][C];
  for (int a = 0; a < A; ++a) {
    for (int c = 0; c < C; ++c) sum[a][c] = S::load_rows(out + a * kSpanQueries + 16 * c);
  }
  for (int b = 0; b < count; ++b) {
    typename S::R lanes[C];
    for (int c = 0; c < C; ++c) lanes[c] = S::load_rows(y + b * kSpanQueries + 16 * c);
#pragma GCC unroll 8
    for (int a = 0; a < A; ++a) {
      typename S::R value = S::rows_set1(x[a * a_step + b * b_step]);
      for (int c = 0; c < C; ++c) sum[a][c] = S::fma(value, lanes[c], sum[a][c]);
    }
  }
  for (int a = 0; a < A; ++a) {
    for (int c = 0; c < C; ++c) S::store_rows(out + a * kSpanQueries + 16 * c, sum[a][c]);
  }
}

// The same for `rows` values of a and all queries, whose number is rounded up to whole vectors.
template <class S, int C>
void add_to_lanes(const float* x, size_t a_step, size_t b_step, int rows, int count, const float* y,
                  float* out) noexcept {
  int a = 0;
  for (; a + S::kQueryRows <= rows; a += S::kQueryRows) {
    add_products<S, S::kQueryRows, C>(x + a * a_step, a_step, b_step, count, y, out + a * kSpanQueries);
  }
  for (; a + 2 <= rows; a += 2) add_products<S, 2, C>(x + a * a_step, a_step, b_step, count, y, out + a * kSpanQueries);
  for (; a < rows; ++a) add_products<S, 1, C>(x + a * a_step, a_step, b_step, count, y, out + a * kSpanQueries);
}

template <class S>
void add_all_products(const float* x, size_t a_step, size_t b_step, int rows, int count, const float* y, int queries,
                      float* out) noexcept {
  constexpr int C = S::kQueryVectors;
  int lane = 0;
  for (; lane + 16 * (C - 1) < queries; lane += 16 * C) {
    add_to_lanes<S, C>(x, a_step, b_step, rows, count, y + lane, out + lane);
  }
  for (; lane < queries; lane += 16) add_to_lanes<S, 1>(x, a_step, b_step, rows, count, y + lane, out + lane);
}

// Scores of 16 queries become weights e^(score − largest); what was summed before shrinks to the new largest score.
template <class S>
void weigh_scores(float* score, int count, float scale, float* largest, float* weight_sum, float* total,
                  int head_dim) noexcept {
  using R = typename S::R;
  R factor = S::rows_set1(scale), before = S::load_rows(largest), most = before;
  for (int j = 0; j < count; ++j) most = S::max(most, S::mul(S::load_rows(score + j * kSpanQueries), factor));
  R keep = exp<S>(S::sub(before, most)), sum = S::mul(S::load_rows(weight_sum), keep);
  for (int j = 0; j < count; ++j) {
    R weight = exp<S>(S::sub(S::mul(S::load_rows(score + j * kSpanQueries), factor), most));
    S::store_rows(score + j * kSpanQueries, weight);
    sum = S::add(sum, weight);
  }
  for (int d = 0; d < head_dim; ++d) {
    S::store_rows(total + d * kSpanQueries, S::mul(S::load_rows(total + d * kSpanQueries), keep));
  }
  S::store_rows(largest, most);
  S::store_rows(weight_sum, sum);
}

template <class S>
void attend_spans(const AttendSpansArgs& args) noexcept {
  size_t values = size_t(args.head_dim) * kSpanQueries;
  float* turned = args.scratch;                        // [D, queries]
  float* total = turned + values;                      // [D, queries]
  float* score = total + values;                       // [tile, queries]
  float* largest = score + kSpanTile * kSpanQueries;   // [queries]
  float* weight_sum = largest + kSpanQueries;          // [queries]
  for (size_t i = 0; i < values; ++i) turned[i] = total[i] = 0;
  for (int r = 0; r < kSpanQueries; ++r) {
    largest[r] = -1e30f;
    weight_sum[r] = 0;
  }
  for (int r = 0; r < args.queries; ++r) {
    for (int d = 0; d < args.head_dim; ++d) turned[d * kSpanQueries + r] = args.q[r * args.q_stride + d];
  }
  for (int first = 0; first < args.keys; first += kSpanTile) {
    int count = args.keys - first < kSpanTile ? args.keys - first : kSpanTile;
    const float *k = args.k + size_t(first) * args.kv_stride, *v = args.v + size_t(first) * args.kv_stride;
    for (int i = 0; i < count * kSpanQueries; ++i) score[i] = 0;
    add_all_products<S>(k, args.kv_stride, 1, count, args.head_dim, turned, args.queries, score);
    for (int r = 0; r < args.queries; r += 16) {
      weigh_scores<S>(score + r, count, args.scale, largest + r, weight_sum + r, total + r, args.head_dim);
    }
    add_all_products<S>(v, 1, args.kv_stride, args.head_dim, count, score, args.queries, total);
  }
  for (int r = 0; r < args.queries; ++r) {
    for (int d = 0; d < args.head_dim; ++d) args.out[r * args.q_stride + d] = total[d * kSpanQueries + r] / weight_sum[r];
  }
}

}  // namespace troika::kernels
