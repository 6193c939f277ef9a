// The door of the CPU kernels: one table of plain functions per instruction set. A kernel works on the rows it is
// given and nothing else: no threads, no allocation, no errors. All pointers are to float32 unless a type says
// otherwise; outputs may be the very inputs of element-wise kernels, else they do not overlap.
//
// The result of a row does not depend on the rows beside it, nor on how rows are shared out among calls: every
// sum runs in one fixed order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tensor/format.h"

namespace troika::kernels {

// Activations as int8 for the integer dot products. One row of K values (K a multiple of 32):
//   int8 q[K] | float scale[K/32] | float sum[K/32], x = scale * q, sum = scale * (q summed over the block).
inline constexpr int kQuantBlock = 32;
constexpr size_t quantised_row_bytes(int depth) {
  return (size_t(depth) + size_t(depth) / kQuantBlock * 2 * sizeof(float) + 63) / 64 * 64;
}

// out[t][o] = x[t] · weight[o] (+ bias[o]) for tokens t and weight rows o. The caller points at its first row.
struct LinearArgs {
  const std::byte* x;        // rows of float32 or quantised rows, `x_stride` bytes apart
  size_t x_stride;
  int tokens;
  int depth;                 // K
  const std::byte* weight;
  size_t weight_stride;      // bytes
  int rows;                  // of the weight
  const float* bias;         // null: none
  float* out;                // out[t * out_stride + o]
  size_t out_stride;         // floats
  const FormatInfo* format;  // of the weight; only KernelTable::any reads it
};
using LinearKernel = void (*)(const LinearArgs&) noexcept;

struct FormatKernels {
  Format format;
  LinearKernel float32;  // x in float32
  LinearKernel int8;     // x quantised; null: this format has no integer kernel
};

enum class Unary { silu, gelu_tanh, gelu_erf, relu, tanh };

// One token, one key/value head g, and the `heads` query heads that read it (next to each other in q and out).
struct AttendArgs {
  const float* q;            // [heads, D]
  float* out;                // [heads, D]
  int heads, head_dim;
  const std::byte* keys;     // cache [pages, G, P, D]
  const std::byte* values;
  bool half;                 // the cache holds f16, else f32
  int kv_heads, kv_head;     // G, g
  int page_tokens;           // P, at most kMaxPageTokens
  const int32_t* pages;      // of the token's sequence
  int first, last;           // positions attended, both included
  float scale, softcap;      // softcap 0: none
  float* scratch;            // attend_scratch(heads, head_dim) floats, 64-byte aligned
};
inline constexpr int kMaxPageTokens = 32;
constexpr size_t attend_scratch(int heads, int head_dim) {
  size_t padded = (size_t(head_dim) + 7) / 8 * 8;
  return (size_t(heads) * 2 + kMaxPageTokens) * padded + size_t(heads) * (kMaxPageTokens + 2) + 16;
}

// One head of up to kSpanQueries query rows that attend to the same rows of keys and values.
struct AttendSpansArgs {
  const float* q;            // rows of D floats, q_stride floats apart; out likewise
  float* out;
  size_t q_stride;
  int queries;
  const float* k;            // rows of D floats, kv_stride floats apart; v likewise
  const float* v;
  size_t kv_stride;
  int keys;
  int head_dim;              // D
  float scale;
  float* scratch;            // attend_spans_scratch(head_dim) floats, 64-byte aligned
};
inline constexpr int kSpanQueries = 32, kSpanTile = 64;
constexpr size_t attend_spans_scratch(int head_dim) { return (2 * size_t(head_dim) + kSpanTile + 2) * kSpanQueries; }

struct KernelTable {
  std::string_view name;
  const FormatKernels* formats;
  int format_count;
  FormatKernels any;         // for formats without a row: unpacks them stretch by stretch

  // Rows of `out` are `stride` bytes apart.
  void (*quantise)(const float* x, int rows, int depth, std::byte* out, size_t stride) noexcept;
  // weight null: none
  void (*rms_norm)(const float* x, const float* weight, float* out, int rows, int columns, float epsilon) noexcept;
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float* out, int rows, int columns,
                     float epsilon) noexcept;
  // sum = a + b, normed = rms_norm(sum)
  void (*add_norm)(const float* a, const float* b, const float* weight, float* sum, float* normed, int rows,
                   int columns, float epsilon) noexcept;
  void (*add)(const float* a, const float* b, float* out, size_t n) noexcept;
  void (*mul)(const float* a, const float* b, float* out, size_t n) noexcept;
  void (*scale)(const float* x, float factor, float* out, size_t n) noexcept;
  void (*softcap)(const float* x, float cap, float* out, size_t n) noexcept;
  void (*unary)(Unary kind, const float* x, float* out, size_t n) noexcept;
  void (*gated)(Unary kind, const float* gate, const float* up, float* out, size_t n) noexcept;
  // out = Σj w[j] · x[j], each of n values
  void (*mix)(const float* w, const float* const* x, int count, float* out, size_t n) noexcept;
  // out = x · sqrt(mean(like²)) / sqrt(max(mean(x²), floor))
  void (*match_rms)(const float* x, const float* like, float* out, int n, float floor) noexcept;
  // out = max(0, x − (mean(x) + deviations · std(x)))
  void (*cut_below)(const float* x, float* out, int n, float deviations) noexcept;
  // One token: x and out [heads, head_dim]; cosine and sine [head_dim / 2].
  void (*rope)(const float* x, const float* cosine, const float* sine, float* out, int heads, int head_dim) noexcept;
  void (*to_f16)(const float* x, uint16_t* out, size_t n) noexcept;
  void (*attend)(const AttendArgs&) noexcept;
  void (*attend_spans)(const AttendSpansArgs&) noexcept;
  void (*relax)() noexcept;  // what a thread does between two looks at a flag

  // The format's own row, or `any`.
  const FormatKernels& find(Format format) const {
    for (int i = 0; i < format_count; ++i) {
      if (formats[i].format == format) return formats[i];
    }
    return any;
  }
};

enum class Isa { scalar, avx2 };

// Null when this build or this machine lacks the instruction set.
const KernelTable* kernel_table(Isa isa);
// The fastest table of this machine.
const KernelTable& kernel_table();

}  // namespace troika::kernels
