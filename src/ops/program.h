// The tape: what a model computes in one step, as a flat list of operations on numbered tensors. A Program is
// traced once per bucket (a capacity of tokens and of output rows); everything that changes from step to step
// lies in StepInputs, so that a device can compile the tape once and replay it for ever.
//
// Sizes in shape comments: T tokens in the step, O output rows, H query heads, G key/value heads, D head
// dimension, E model width, F MLP width, V vocabulary.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

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
  embed,         // (table [V, E]) → [T, E]: rows of the table at the step's token ids
  linear,        // (x [n, in], weight [out, in], bias [out]?) → [n, out]: x · weightᵀ + bias
  rms_norm,      // (x [n, C], weight [C]) → x / sqrt(mean(x²) + ε) ⊙ weight, over rows of `columns` values
  layer_norm,    // (x [n, C], weight [C], bias [C]) → (x − mean) / sqrt(var + ε) ⊙ weight + bias
  add,           // (a, b) → a + b
  mul,           // (a, b) → a ⊙ b
  scale,         // (x) → x · factor
  gated,         // (gate [n, F], up [n, F]) → act(gate) ⊙ up
  act,           // (x) → act(x)
  softcap,       // (x) → cap · tanh(x / cap)
  rope,          // (x [T, H·D]) → half-split rotary embedding of each head at the step's positions
  kv_write,      // (k [T, G·D], v [T, G·D]) → nothing: stores both in the cache at the step's positions
  attend,        // (q [T, H·D]) → [T, H·D]: causal attention over the cache of each token's own sequence
  pick_rows,     // (x [T, E]) → [O, E]: the rows whose logits are wanted
  concat,        // (a [n, A], b [n, B]) → [n, A + B]
  slice,         // (x [n, C]) → [n, count]: columns first … first + count − 1
  add_norm,      // fused (a, b, weight [C]) → sum = a + b, normed = rms_norm(sum, weight)
  linear_gated,  // fused (x [n, E], gate [F, E], up [F, E]) → act(x · gateᵀ) ⊙ (x · upᵀ)
};
std::string_view name_of(OpKind kind);

enum class Activation : uint8_t { silu, gelu_tanh, gelu_erf, relu };

// Angle of pair i at position p: p · inverse_frequency[i]; cos and sin are multiplied by amplitude.
struct RopeTable {
  std::vector<float> inverse_frequency;  // [D/2]
  float amplitude = 1;
};

struct NoParams {};
struct NormParams { float epsilon; };
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
using Params = std::variant<NoParams, NormParams, ScaleParams, ActParams, SoftcapParams, SliceParams, RopeParams,
                            KvParams, AttendParams>;

struct Op {
  OpKind kind;
  Params params;
  std::vector<Tensor> in, out;
  std::string name;  // "layer.0.attn.q"

  template <typename P>
  const P& as() const { return std::get<P>(params); }
};

// A key/value cache, one per attention layer that owns one.
struct CacheInfo {
  int kv_heads = 0;  // G
  int head_dim = 0;  // D
};

struct Program {
  int tokens = 0;   // T: the bucket's capacity
  int outputs = 0;  // O
  std::vector<TensorInfo> tensors;
  std::vector<Op> ops;
  std::vector<CacheInfo> caches;
  Tensor logits;  // [O, V]

  const TensorInfo& operator[](Tensor t) const { return tensors[t.id]; }
};

// One line per op: number, name, kind, inputs, outputs with shapes.
std::string to_string(const Program& program);
std::string to_string(const Program& program, const Op& op);

}  // namespace troika::ops
