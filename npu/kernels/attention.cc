// Flash attention of 32 queries of one head of 128: keys and values come 32 at a time, and what was summed up so far is
// scaled down whenever a larger score comes. Experimental: tested alone, no model uses it. Between these kernels the matrix
// unit multiplies (design/attention_design.h has the order): S = Q · Kᵀ, then O += P · V.
//
//   s       float [8, 8, 4, 4]: scores, in C's blocks           o   float [8, 32, 4, 4], in the end bfloat16 in its first half
//   p       bfloat16 [8, 4, 4, 8]: weights, in A's blocks
//   stats   float [8, 2, 16], for four queries at a time: the largest score, four times a query, and four parts of the sum of
//           its weights
#include "npu/kernels/kernels.h"
#include "npu/kernels/vector_math.h"

constexpr int kRowBlocks = 8, kKeyBlocks = 8, kHeadBlocks = 32;
constexpr float kScale = 0.1275174f;  // log2 e / √128
constexpr float kHidden = -1e30f;
// Within a block of the diagonal: a query sees the keys up to its own.
alignas(64) static const float kTriangle[16] = {0, kHidden, kHidden, kHidden,  //
                                                0, 0,       kHidden, kHidden,  //
                                                0, 0,       0,       kHidden,  //
                                                0, 0,       0,       0};

using Four = aie::vector<float, 4>;

static inline Floats for_each_of_a_row(const Four& rows) { return aie::transpose(aie::concat(rows, rows, rows, rows), 4, 4); }

static inline Floats row_max(const Floats& v) {
  const Floats columns = aie::transpose(v, 4, 4);
  return for_each_of_a_row(aie::max(aie::max(columns.extract<4>(0), columns.extract<4>(1)),
                                    aie::max(columns.extract<4>(2), columns.extract<4>(3))));
}

static inline Floats row_sum(const Floats& v) {
  const Floats columns = aie::transpose(v, 4, 4);
  return for_each_of_a_row(aie::add(aie::add(columns.extract<4>(0), columns.extract<4>(1)),
                                    aie::add(columns.extract<4>(2), columns.extract<4>(3))));
}

static inline Floats bounded_exp2(const Floats& x) { return exp2(aie::max(x, all(-115))); }

template <bool causal>
static inline Floats score(const float* s, int row, int key) {
  const Floats scores = aie::load_v<16>(s + (row * kKeyBlocks + key) * 16);
  if (!causal || key < row) return scores;
  return key > row ? all(kHidden) : aie::add(scores, aie::load_v<16>(kTriangle));
}

// Weights of one block of keys; what is older is scaled to the largest score now known.
template <bool causal>
static inline void weigh(const float* __restrict s, float* __restrict stats, uint16_t* __restrict p, float* __restrict o) {
  aie::set_rounding(aie::rounding_mode::conv_even);
  bfloat16* out = reinterpret_cast<bfloat16*>(p);
  for (int row = 0; row < kRowBlocks; ++row) {
    const Floats before = aie::load_v<16>(stats), sum_before = aie::load_v<16>(stats + 16);
    Floats lanes = all(kHidden);
    for (int key = 0; key < kKeyBlocks; ++key) lanes = aie::max(lanes, score<causal>(s, row, key));
    const Floats largest = aie::max(before, product(row_max(lanes), all(kScale)));
    const Floats factor = bounded_exp2(aie::sub(before, largest)), offset = aie::sub(all(0), largest);
    Floats sum = product(sum_before, factor);
    for (int key = 0; key < kKeyBlocks; key += 2) {
      const Floats left = bounded_exp2(added_product(offset, score<causal>(s, row, key), all(kScale)));
      const Floats right = bounded_exp2(added_product(offset, score<causal>(s, row, key + 1), all(kScale)));
      sum = aie::add(sum, aie::add(left, right));
      const auto halves = aie::interleave_zip(rounded(left), rounded(right), 4);
      aie::store_v(out, halves.first);
      aie::store_v(out + 16, halves.second);
      out += 32;
    }
    aie::store_v(stats, largest);
    aie::store_v(stats + 16, sum);
    for (int i = 0; i < kHeadBlocks; ++i) aie::store_v(o + 16 * i, product(aie::load_v<16>(o + 16 * i), factor));
    stats += 32;
    o += 16 * kHeadBlocks;
  }
}

extern "C" void attention_begin_32x128(float* stats, float* o) {
  for (int row = 0; row < kRowBlocks; ++row) {
    aie::store_v(stats + 32 * row, all(kHidden));
    aie::store_v(stats + 32 * row + 16, all(0));
  }
  for (int i = 0; i < kRowBlocks * kHeadBlocks; ++i) aie::store_v(o + 16 * i, all(0));
}

extern "C" void attention_weigh_32x32(const float* s, float* stats, uint16_t* p, float* o) { weigh<false>(s, stats, p, o); }
extern "C" void attention_weigh_causal_32x32(const float* s, float* stats, uint16_t* p, float* o) {
  weigh<true>(s, stats, p, o);
}

// O divided by the sum of the weights, in place: sixteen floats are read before their results are written.
extern "C" void attention_end_32x128(const float* stats, float* o) {
  aie::set_rounding(aie::rounding_mode::conv_even);
  bfloat16* out = reinterpret_cast<bfloat16*>(o);
  for (int row = 0; row < kRowBlocks; ++row) {
    const Floats scale = aie::inv(row_sum(aie::load_v<16>(stats + 32 * row + 16)));
    for (int i = row * kHeadBlocks; i < (row + 1) * kHeadBlocks; ++i)
      store(out + 16 * i, product(aie::load_v<16>(o + 16 * i), scale));
  }
}
