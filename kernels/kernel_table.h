// The door of the CPU kernels: one table of plain functions per instruction set. A kernel works on the rows it is
// given and nothing else: no threads, no allocation, no errors. All pointers are to float32 unless a type says
// otherwise; outputs may be the very inputs of element-wise kernels, else they do not overlap.
//
// The result of a row does not depend on the rows beside it, on how rows are shared out among calls, nor on whether a
// weight lies in panels: every sum runs in one fixed order. Tables agree with each other but for the rounding of
// float32: what they multiply with is the same to the last bit, what they do in one step or in two is not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kernels/panel.h"
#include "tensor/format.h"

namespace troika::kernels {

// Activations of linear kernels lie in tiles of KernelTable::tile_tokens tokens (the last may have fewer), one behind
// the other. A tile of T tokens and K values is one of
//   float32: float [K, T]
//   int8:    blocks of 32 columns: int8 q[8, T, 4] | float scale[T] | sum[T] | half_sum[2, T] | int16 pairs[2, T, 2],
//            K a multiple of 32, with x = scale * q, a sum being scale * (q summed over the block), a half sum that over
//            16 values, pairs the sums of those q that stand in the first two and in the last two of their four. A
//            block with a value that is not finite has a scale that is no number, and so have all products with it.
//   int16:   int16 q[K/2, T, 2], |q| at most 8191, behind an odd K a zero | float scale[K/64, T] (rounded
//            up), with x = scale * q. A scale is no number as that of int8 is.
inline constexpr int kQuantBlock = 32;
constexpr size_t activation_bytes(Arithmetic arithmetic, int depth) {  // of a token
  switch (arithmetic) {
    case Arithmetic::float32: return size_t(depth) * sizeof(float);
    case Arithmetic::int8:
      return size_t(depth) / kQuantBlock * (kQuantBlock + 4 * sizeof(float) + 4 * sizeof(int16_t));
    case Arithmetic::int16: {
      size_t pairs = (size_t(depth) + 1) / 2, groups = (size_t(depth) + kPairGroup - 1) / kPairGroup;
      return pairs * 2 * sizeof(int16_t) + groups * sizeof(float);
    }
  }
  return 0;
}
inline constexpr int kMostTokens = 96;  // of one call: a multiple of every table's tile
// Tokens × columns of a call that a core has near: in int8 they take half of a second cache of 1 MB. Of more than that
// panels_together panels take the same columns one behind the other, else they would come from the third cache for every
// panel (`bench ops --ops linear --isa avx2 --shape 3584x18944 --rows 96`, two cores of a Zen 4: 99 and 168 GOP/s).
inline constexpr int kNearValues = 256 << 10;

// out[t][o] = x[t] · weight[row + o] (+ bias[o]) for tokens t and o < rows.
struct LinearArgs {
  std::byte* x;              // tiles, read only; the first begins with token 0
  size_t x_stride;           // bytes from tile to tile
  int tokens;                // at most kMostTokens
  int depth;                 // K: may be less than the weight has
  const std::byte* weight;   // all of it: panels (panel.h), or rows as in the file
  size_t weight_stride;      // bytes from panel to panel, or from row to row
  int weight_rows, weight_columns;
  int row, rows;             // those wanted
  const float* bias;         // of the first row wanted; null: none
  float* out;                // out[t * out_stride + o]
  size_t out_stride;         // floats
  const FormatInfo* format;  // of the weight; only KernelTable::any reads it
  const PanelFormat* panel;  // of the weight, where it lies in panels
};
using LinearKernel = void (*)(const LinearArgs&) noexcept;

struct LinearKernels {
  LinearKernel float32;  // x in float32
  LinearKernel fast;     // x in FormatKernels::fast
};

struct FormatKernels {
  Format format;
  Arithmetic fast;       // float32: there is nothing faster, and no kernel `fast`
  LinearKernels rows;    // the weight as it lies in the file
  LinearKernels panels;  // the weight in panels of the arithmetic; null where find_panel_format has none

  LinearKernel linear(Arithmetic arithmetic, bool in_panels) const {
    const LinearKernels& kernels = in_panels ? panels : rows;
    return arithmetic == Arithmetic::float32 ? kernels.float32 : arithmetic == fast ? kernels.fast : nullptr;
  }
};

// One tile of activations out of up to tile_tokens rows, `x_stride` floats apart.
using TileMaker = void (*)(const float* x, size_t x_stride, int tokens, int depth, std::byte* tile) noexcept;

enum class Unary { silu, gelu_tanh, gelu_erf, relu, tanh };

// A cache's page of one key/value head: kCachePage tokens, laid out as device.h draws it (device::Cache).
inline constexpr int kCachePage = 32;      // P
inline constexpr int kAttendChunk = 512;   // positions whose sums are kept apart: a long text is shared among threads

// Tokens of one sequence that follow each other, one key/value head, and the `heads` query heads that read it (next to
// each other in q and out).
struct AttendArgs {
  const float* q;            // token i, head h: D floats at i * token_stride + h * D; out likewise
  float* out;
  size_t token_stride;
  int tokens;                // at most attend_tokens(heads)
  int heads, head_dim;       // head_dim: D
  Format cache;              // f32, f16, q8_0 or q4_0
  int rotation;              // numbers of a head in the cache that were rotated together, a power of two; 0: none
  const std::byte* keys;     // this head's part of page p: at p * page_stride
  const std::byte* values;
  size_t page_stride;        // bytes
  size_t page_bytes;         // of one head
  const int32_t* pages;      // of the sequence
  const int32_t* first;      // [tokens] positions attended, first and last included
  const int32_t* last;
  float scale, softcap;      // softcap 0: none
  int chunk_begin, chunk_end;  // of kAttendChunk positions, from 0: those that first … last of all tokens lie in
  // Null: out is written. Else there is one chunk, whose sums are left here for attend_join, which reads those of all
  // chunks: [chunks, tokens, heads, attend_partial(D)].
  float* partials;
  float* scratch;            // attend_scratch(heads, head_dim) floats, 64-byte aligned
};
// Tokens of a tile: enough rows that a page, once unpacked, is used often.
constexpr int attend_tokens(int heads) { return heads < 48 ? 48 / heads : 1; }
constexpr size_t attend_partial(int head_dim) { return (size_t(head_dim) + 15) / 16 * 16 + 16; }
constexpr size_t attend_scratch(int heads, int head_dim) {
  size_t padded = (size_t(head_dim) + 15) / 16 * 16, rows = (size_t(attend_tokens(heads)) * heads + 15) / 16 * 16;
  return rows * (3 * padded + kCachePage + 16 + 1 + 8) + kCachePage * padded + kCachePage * padded / 16;
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

// From logits to weights (choose.h): x = (logit - largest) * factor, whose weight is e^x.
struct LogitScale {
  float largest;  // of all logits
  float factor;   // 1 / temperature
};
inline constexpr int kChoiceBlock = 32;     // tokens that share a largest logit, or a sum of weights
inline constexpr float kNegligible = -50;   // an x from here down has weight 0: e^-50 of the best is nothing

struct KernelTable {
  std::string_view name;
  const FormatKernels* formats;
  int format_count;
  FormatKernels any;         // for formats without a row: unpacks them stretch by stretch

  int tile_tokens;
  int panels_together;
  TileMaker tiles[kArithmetics];
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
  // Every `size` of `count` numbers are rotated on their own (hadamard.h); size: a power of two from 8 on. In place too.
  void (*rotate)(const float* x, float* out, int count, int size) noexcept;
  // One token of one head into slot `slot` of its page. x: D floats, rotated where the cache has them so.
  void (*write_key)(Format cache, const float* x, int head_dim, int slot, std::byte* page) noexcept;
  void (*write_value)(Format cache, const float* x, int head_dim, int slot, std::byte* page) noexcept;
  void (*attend)(const AttendArgs&) noexcept;
  // The same from the partial results of all chunks.
  void (*attend_join)(const AttendArgs&) noexcept;
  void (*attend_spans)(const AttendSpansArgs&) noexcept;
  // largest[n / kChoiceBlock, rounded up]: that of each block of logits [n], -∞ where none is a number.
  void (*largest_of_blocks)(const float* logits, size_t n, float* largest) noexcept;
  // The weights of logits [n] and their sum in each block: the same bits in every table. Both have room for whole
  // blocks; weights behind n become 0.
  void (*weigh)(const float* logits, size_t n, const LogitScale& scale, double* weights, double* sums) noexcept;
  // Of one block of n logits: leaves only weights of those whose x is above `bound`, or is `bound` at places up to
  // `last`. Returns the sum of what is left.
  double (*keep_weights)(const float* logits, size_t n, const LogitScale& scale, float bound, int32_t last,
                         double* weights) noexcept;
  // Of one block of n logits: places[kChoiceBlock], x * per_unit (0 or more) without its fraction, at most `most`, which
  // is also that of what is no number and of places behind n.
  void (*place)(const float* logits, size_t n, const LogitScale& scale, float per_unit, int32_t most,
                int32_t* places) noexcept;
  // Loops of nothing but multiply-adds (peak.h); they return the operations done.
  int64_t (*fp32_peak)(int64_t rounds) noexcept;
  int64_t (*int8_peak)(int64_t rounds) noexcept;
  int64_t (*int16_peak)(int64_t rounds) noexcept;
  void (*relax)() noexcept;  // what a thread does between two looks at a flag

  // The format's own row, or `any`.
  const FormatKernels& find(Format format) const {
    for (int i = 0; i < format_count; ++i) {
      if (formats[i].format == format) return formats[i];
    }
    return any;
  }
  TileMaker tile_maker(Arithmetic arithmetic) const { return tiles[static_cast<int>(arithmetic)]; }
};

enum class Isa { scalar, avx2, avx512 };
inline constexpr Isa kIsas[] = {Isa::scalar, Isa::avx2, Isa::avx512};

// Null when this build or this machine lacks the instruction set.
const KernelTable* kernel_table(Isa isa);
// The fastest table of this machine.
const KernelTable& kernel_table();
// The table of this name; "": the fastest. Throws Error with the names there are.
const KernelTable& kernel_table(std::string_view name);

}  // namespace troika::kernels
