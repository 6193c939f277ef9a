// Qwen2 and Qwen2.5 (0.5B to 72B, Coder, Math, QwQ, distills): a Llama-like decoder with biases on q, k and v.
#include "models/qwen2.h"

#include <cmath>

#include "base/error.h"
#include "models/fields.h"
#include "models/rope.h"
#include "models/weight_names.h"

namespace troika::models {
namespace {

constexpr WeightName kNames[] = {
    {"embed", "token_embd", "model.embed_tokens"},
    {"norm", "output_norm", "model.norm"},
    {"head", "output", "lm_head"},
    {"attn_norm", "attn_norm", "input_layernorm"},
    {"attn.q", "attn_q", "self_attn.q_proj"},
    {"attn.k", "attn_k", "self_attn.k_proj"},
    {"attn.v", "attn_v", "self_attn.v_proj"},
    {"attn.out", "attn_output", "self_attn.o_proj"},
    {"mlp_norm", "ffn_norm", "post_attention_layernorm"},
    {"mlp.gate", "ffn_gate", "mlp.gate_proj"},
    {"mlp.up", "ffn_up", "mlp.up_proj"},
    {"mlp.down", "ffn_down", "mlp.down_proj"},
};

std::string weight_name(std::string_view ours, files::FileKind kind) { return translate(ours, kind, kNames); }

// Layers from max_window_layers on slide when config.json switches windows on; GGUF files never do.
std::vector<int> read_windows(const Fields& f, int layers) {
  std::vector<int> windows(layers, 0);
  if (f.gguf() || !f.flag("use_sliding_window", false)) return windows;
  int window = f.optional({"", "sliding_window"}, 0, 1, 1 << 30);
  int first = f.optional({"", "max_window_layers"}, layers, 0, 1 << 20);
  for (int i = first; i < layers; ++i) windows[i] = window;
  return windows;
}

ModelSpec read(const files::ModelFile& file) {
  Fields f(file);
  ModelSpec s{.family = "qwen2"};
  s.layers = f.required({"block_count", "num_hidden_layers"}, 1, 1024);
  s.width = f.required({"embedding_length", "hidden_size"}, 1, 1 << 17);
  s.heads = f.required({"attention.head_count", "num_attention_heads"}, 1, 1024);
  s.kv_heads = f.optional({"attention.head_count_kv", "num_key_value_heads"}, s.heads, 1, 1024);
  s.head_dim = f.optional({"attention.key_length", "head_dim"}, s.width / s.heads, 2, 1024);
  s.mlp_width = f.required({"feed_forward_length", "intermediate_size"}, 1, 1 << 20);
  s.context = f.optional({"context_length", "max_position_embeddings"}, 32768, 1, 1 << 24);
  s.norm_epsilon = static_cast<float>(f.number({"attention.layer_norm_rms_epsilon", "rms_norm_eps"}, 1e-6));
  if (s.heads % s.kv_heads != 0 || s.head_dim < 2 || s.head_dim % 2 != 0) {
    fail("{}: {} query heads on {} key/value heads of {} do not fit", file.path().string(), s.heads, s.kv_heads,
         s.head_dim);
  }
  auto embedding = file.find(weight_name("embed.weight", file.kind()));
  if (!embedding) fail("{}: the token embedding is missing; is this a whole model?", file.path().string());
  s.vocabulary = embedding->shape[0];
  bool has_head = file.find(weight_name("head.weight", file.kind())).has_value();
  s.tied_head = f.gguf() ? !has_head : f.flag("tie_word_embeddings", false);
  s.windows = read_windows(f, s.layers);
  s.rope = read_rope(f, s.head_dim, s.context);
  return s;
}

ops::Tensor attention(const ModelSpec& s, ops::Builder& b, ops::Tensor x, int layer) {
  using enum ops::Builder::Bias;
  ops::Tensor q = b.linear(x, "attn.q", s.heads * s.head_dim, yes);     // [T, H·D]
  ops::Tensor k = b.linear(x, "attn.k", s.kv_heads * s.head_dim, yes);  // [T, G·D]
  ops::Tensor v = b.linear(x, "attn.v", s.kv_heads * s.head_dim, yes);  // [T, G·D]
  int cache = b.kv_cache(s.kv_heads, s.head_dim);
  b.kv_write(cache, b.rope(k, s.kv_heads, s.rope), v);
  float scale = 1 / std::sqrt(static_cast<float>(s.head_dim));
  ops::Tensor mixed = b.attend(
      b.rope(q, s.heads, s.rope),
      {.cache = cache, .heads = s.heads, .scale = scale, .window = s.windows[layer]});  // [T, H·D]
  return b.linear(mixed, "attn.out", s.width);                          // [T, E]
}

ops::Tensor mlp(const ModelSpec& s, ops::Builder& b, ops::Tensor x) {
  ops::Tensor gate = b.linear(x, "mlp.gate", s.mlp_width);  // [T, F]
  ops::Tensor up = b.linear(x, "mlp.up", s.mlp_width);      // [T, F]
  return b.linear(b.gated(ops::Activation::silu, gate, up), "mlp.down", s.width);  // [T, E]
}

ops::Tensor build(const ModelSpec& s, ops::Builder& b) {
  ops::Tensor x = b.embed("embed", s.vocabulary, s.width);  // [T, E]
  for (int i = 0; i < s.layers; ++i) {
    auto layer = b.scope(fmt::format("layer.{}", i));
    x = b.add(x, attention(s, b, b.rms_norm(x, "attn_norm", s.norm_epsilon), i));
    x = b.add(x, mlp(s, b, b.rms_norm(x, "mlp_norm", s.norm_epsilon)));
  }
  x = b.rms_norm(b.pick_rows(x), "norm", s.norm_epsilon);               // [O, E]
  return b.linear(x, s.tied_head ? "embed" : "head", s.vocabulary);     // [O, V]
}

}  // namespace

const Architecture kQwen2{"qwen2", "qwen2", read, weight_name, build};

}  // namespace troika::models
