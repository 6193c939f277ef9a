// The tape: what a model computes in one step, as a flat list of operations on numbered tensors. A Program is
// traced once per bucket (a capacity of tokens and of output rows); everything that changes from step to step
// lies in StepInputs, so that a device can compile the tape once and replay it for ever.
//
// Sizes in shape comments: T tokens in the step, O output rows, H query heads, G key/value heads, D head
// dimension, E model width, F MLP width, V vocabulary. In a vision tower T is patches, O merged patches.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ops/step_inputs.h"
#include "tensor/shape.h"

namespace troika::ops {

struct Tensor {
  uint32_t id = 0;  // index into Program::tensors
  bool operator==(const Tensor&) const = default;
};

// How many of a tensor's outermost rows are live in a step: all, one per token, or one per output row.
enum class Extent : uint8_t { fixed, tokens, outputs };
enum class Role : uint8_t { weight, activation };

struct TensorInfo {
  std::string name;  // weights: "layer.0.attn.q.weight"; activations: the op's name
  Shape shape;       // with Extent::tokens or outputs, dim[0] is the bucket's capacity
  Extent extent = Extent::fixed;
  Role role = Role::activation;  // activations are float32
};

enum class OpKind : uint8_t {
  embed,         // (table [V, E]) → [T, E]: rows of the table at the step's token ids; ids beyond it read row 0
  features,      // () → [T, C]: the step's feature rows 0 … T − 1
  insert_features,  // (x [T, E]) → [T, E]: tokens that have a feature row become it (images in text)
  linear,        // (x [n, in], weight [out, in], bias [out]?) → [n, out]: x · weightᵀ + bias. Of a larger weight it
                 // takes rows first … first + out − 1 and the first `in` columns
  linear_where,  // (x [n, in], weight [out, in], gate [n, out]) → gate ≠ 0 ? x · weightᵀ : 0; of a larger weight as linear
  rms_norm,      // (x [n, C], weight [W]?) → x / sqrt(mean(x²) + ε) ⊙ weight, over each W values of a row
  layer_norm,    // (x [n, C], weight [C], bias [C]) → (x − mean) / sqrt(var + ε) ⊙ weight + bias
  add,           // (a, b) → a + b
  mul,           // (a, b) → a ⊙ b; b of the shape of a, or a weight [C]: for each row
  scale,         // (x) → x · factor
  gated,         // (gate [n, F], up [n, F]) → act(gate) ⊙ up
  act,           // (x) → act(x)
  softcap,       // (x) → cap · tanh(x / cap)
  rope,          // (x [T, H·D]) → half-split rotary embedding of each head at the step's positions
  kv_write,      // (k [T, G·D], v [T, G·D]) → nothing: stores both in the cache at the step's positions
  attend,        // (q [T, H·D]) → [T, H·D]: causal attention over the cache of each token's own sequence
  pick_rows,     // (x [T, E]) → [O, E]: the rows whose logits are wanted
  attend_spans,  // (q [T, H·D], k [T, G·D], v [T, G·D]) → [T, H·D]: attention among the rows of each row's span
  join_rows,     // (x [T, C]) → [O, T/O·C]: each T/O rows that follow each other become one
  mean_rows,     // (x [T, C]) → [O, C]: the mean of each T/O rows that follow each other
  mix,           // (w [n, N], x0 … [n, C]) → Σj w[first + j] · xj
  match_rms,     // (x [n, C], like [n, C]) → x · sqrt(mean(like²)) / sqrt(max(mean(x²), floor)), row by row
  cut_below,     // (x [n, C]) → max(0, x − (mean(x) + deviations · std(x))), row by row
  concat,        // (a [n, A], b [n, B]) → [n, A + B]
  slice,         // (x [n, C]) → [n, count]: columns first … first + count − 1
  moe,           // (x [n, E], router [n, X], of each of X experts: gate [F, E], up [F, E], down [E, F]) → [n, E]: a row
                 // goes to its `used` experts with the largest router values (of equal ones the first):
                 // Σe pe · (act(x · gateeᵀ) ⊙ (x · upeᵀ)) · downeᵀ with p = softmax(router)
  add_norm,      // fused (a, b, weight [C]) → sum = a + b, normed = rms_norm(sum, weight)
  linear_gated,  // fused (x [n, E], gate [F, E], up [F, E]) → act(x · gateᵀ) ⊙ (x · upᵀ)
};
inline constexpr int kOpKinds = int(OpKind::linear_gated) + 1;
std::string_view name_of(OpKind kind);
inline bool is_fused(OpKind kind) { return kind >= OpKind::add_norm; }

enum class Activation : uint8_t { silu, gelu_tanh, gelu_erf, relu, tanh };

// Angle of pair i at position p: p · inverse_frequency[i]; cos and sin are multiplied by amplitude.
struct RopeTable {
  std::vector<float> inverse_frequency;  // [D/2]
  float amplitude = 1;
  std::vector<uint8_t> axis;  // [D/2]: which of the token's rope positions turns pair i; empty: the first for all
  double base = 0;            // for people: what the frequencies were made from, and
  std::string scaling;        // "yarn 4"; "" when they are as made

  int axis_of(size_t pair) const { return axis.empty() ? 0 : axis[pair]; }
};

struct NoParams {};
struct LinearParams { int first = 0; };  // row of the weight
struct NormParams { float epsilon; int width = 0; };  // width: of rms_norm, how many values are normalised together
struct ScaleParams { float factor; };
struct ActParams { Activation act; };
struct SoftcapParams { float cap; };
struct SliceParams { int first, count; };
struct RopeParams { int heads, head_dim; std::shared_ptr<const RopeTable> table; };
struct KvParams { int cache; };
struct AttendParams {
  int cache;
  int heads;          // H; query head h reads key/value head h / (H / G)
  float scale;
  float softcap = 0;  // 0: none
  int window = 0;     // 0: all earlier tokens; else the last `window`, counting the token itself
};
struct SpanParams { int heads, kv_heads; float scale; SpanKind kind; };
struct MixParams { int first; };
struct MoeParams {
  int used;
  bool normalise;  // p is divided by its sum over the experts used
  Activation act;
};
inline constexpr int kMostExpertsUsed = 8;
struct MatchParams { float floor; };
struct CutParams { float deviations; };
using Params = std::variant<NoParams, LinearParams, NormParams, ScaleParams, ActParams, SoftcapParams, SliceParams,
                            RopeParams, KvParams, AttendParams, SpanParams, MixParams, MoeParams, MatchParams, CutParams>;

struct Op {
  OpKind kind;
  Params params;
  std::vector<Tensor> in, out;
  std::string name;  // "layer.0.attn.q"

  template <typename P>
  const P& as() const { return std::get<P>(params); }
};

// Whether in[1] is a matrix that in[0] is multiplied with.
inline bool multiplies(const Op& op) {
  return op.kind == OpKind::linear || op.kind == OpKind::linear_where || op.kind == OpKind::linear_gated;
}

// A key/value cache, one per attention layer that owns one. Caches that must keep the same positions form a page
// group: all of one window size. Program::windows holds each group's window.
struct CacheInfo {
  int kv_heads = 0;  // G
  int head_dim = 0;  // D
  int group = 0;
};

struct Program {
  int tokens = 0;   // T: the bucket's capacity
  int outputs = 0;  // O
  std::vector<TensorInfo> tensors;
  std::vector<Op> ops;
  std::vector<CacheInfo> caches;
  std::vector<int> windows;  // by page group: positions that are still needed, counting the token itself; 0: all
  Tensor logits;  // [O, V]; a tower's features [O, E]
  std::optional<Tensor> states;  // [O, E]: what the logits are made of; stays readable beside them

  const TensorInfo& operator[](Tensor t) const { return tensors[t.id]; }
};

// One line per op: number, name, kind, inputs, outputs with shapes.
std::string to_string(const Program& program);
std::string to_string(const Program& program, const Op& op);

}  // namespace troika::ops
