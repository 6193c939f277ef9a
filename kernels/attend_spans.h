// Attention among rows of one tensor (vision towers): a block of queries of one head against the keys and values
// of their common span. A query is a lane: keys and values are read where they lie, number by number, and only the
// queries are turned, once for the whole span. The softmax runs online over 64 keys at a time. The order of sums
// depends on the span only, never on how queries are shared out.
#pragma once

#include "kernels/kernel_table.h"
#include "kernels/rows.h"

namespace troika::kernels {

// out[a][lane] += Σb x[a · a_step + b · b_step] · y[b][lane] for R values of a and 16 lanes
template <class S, int R>
void add_products(const float* x, size_t a_step, size_t b_step, int count, const float* y, float* out) noexcept {
  typename S::F even[R], odd[R];
  for (int a = 0; a < R; ++a) {
    even[a] = S::load(out + a * kSpanQueries);
    odd[a] = S::load(out + a * kSpanQueries + 8);
  }
  for (int b = 0; b < count; ++b) {
    typename S::F low = S::load(y + b * kSpanQueries), high = S::load(y + b * kSpanQueries + 8);
#pragma GCC unroll 6
    for (int a = 0; a < R; ++a) {
      typename S::F value = S::set1(x[a * a_step + b * b_step]);
      even[a] = S::fma(value, low, even[a]);
      odd[a] = S::fma(value, high, odd[a]);
    }
  }
  for (int a = 0; a < R; ++a) {
    S::store(out + a * kSpanQueries, even[a]);
    S::store(out + a * kSpanQueries + 8, odd[a]);
  }
}

// The same for `rows` values of a and the first `queries` lanes, rounded up. Twelve sums, two y and a value are 15 of
// AVX2's 16 registers.
template <class S>
void add_all_products(const float* x, size_t a_step, size_t b_step, int rows, int count, const float* y, int queries,
                      float* out) noexcept {
  for (int lane = 0; lane < queries; lane += 16) {
    int a = 0;
    for (; a + 6 <= rows; a += 6) {
      add_products<S, 6>(x + a * a_step, a_step, b_step, count, y + lane, out + a * kSpanQueries + lane);
    }
    for (; a + 2 <= rows; a += 2) {
      add_products<S, 2>(x + a * a_step, a_step, b_step, count, y + lane, out + a * kSpanQueries + lane);
    }
    for (; a < rows; ++a) add_products<S, 1>(x + a * a_step, a_step, b_step, count, y + lane, out + a * kSpanQueries + lane);
  }
}

// Scores of 8 queries become weights e^(score − largest); what was summed before shrinks to the new largest score.
template <class S>
void weigh_scores(float* score, int count, float scale, float* largest, float* weight_sum, float* total,
                  int head_dim) noexcept {
  using F = typename S::F;
  F factor = S::set1(scale), before = S::load(largest), most = before;
  for (int j = 0; j < count; ++j) most = S::max(most, S::mul(S::load(score + j * kSpanQueries), factor));
  F keep = exp<S>(S::sub(before, most)), sum = S::mul(S::load(weight_sum), keep);
  for (int j = 0; j < count; ++j) {
    F weight = exp<S>(S::sub(S::mul(S::load(score + j * kSpanQueries), factor), most));
    S::store(score + j * kSpanQueries, weight);
    sum = S::add(sum, weight);
  }
  for (int d = 0; d < head_dim; ++d) S::store(total + d * kSpanQueries, S::mul(S::load(total + d * kSpanQueries), keep));
  S::store(largest, most);
  S::store(weight_sum, sum);
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
    for (int r = 0; r < args.queries; r += 8) {
      weigh_scores<S>(score + r, count, args.scale, largest + r, weight_sum + r, total + r, args.head_dim);
    }
    add_all_products<S>(v, 1, args.kv_stride, args.head_dim, count, score, args.queries, total);
  }
  for (int r = 0; r < args.queries; ++r) {
    for (int d = 0; d < args.head_dim; ++d) args.out[r * args.q_stride + d] = total[d * kSpanQueries + r] / weight_sum[r];
  }
}

}  // namespace troika::kernels
