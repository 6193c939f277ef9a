// Qwen3 (0.6B to 32B): q and k are normalised head by head; the head size is a number of its own. Qwen3-MoE (30B-A3B,
// 235B-A22B) has a router and many small experts in place of the MLP of most or all layers.
#include "models/families.h"

#include <fmt/format.h>

#include "base/error.h"
#include "models/decoder.h"

namespace troika::models {
namespace {

constexpr WeightName kRows[] = {
    {"embed", "token_embd", "model.embed_tokens"},
    {"norm", "output_norm", "model.norm"},
    {"head", "output", "lm_head"},
    {"attn_norm", "attn_norm", "input_layernorm"},
    {"attn.q", "attn_q", "self_attn.q_proj"},
    {"attn.k", "attn_k", "self_attn.k_proj"},
    {"attn.v", "attn_v", "self_attn.v_proj"},
    {"attn.q_norm", "attn_q_norm", "self_attn.q_norm"},
    {"attn.k_norm", "attn_k_norm", "self_attn.k_norm"},
    {"attn.out", "attn_output", "self_attn.o_proj"},
    {"mlp_norm", "ffn_norm", "post_attention_layernorm"},
    {"mlp.gate", "ffn_gate", "mlp.gate_proj"},
    {"mlp.up", "ffn_up", "mlp.up_proj"},
    {"mlp.down", "ffn_down", "mlp.down_proj"},
    {"mlp.router", "ffn_gate_inp", "mlp.gate"},
    {"mlp.expert.*.gate", "ffn_gate_exps[*]", "mlp.experts.*.gate_proj"},
    {"mlp.expert.*.up", "ffn_up_exps[*]", "mlp.experts.*.up_proj"},
    {"mlp.expert.*.down", "ffn_down_exps[*]", "mlp.experts.*.down_proj"},
};
constexpr WeightNames kNames{kRows};

constexpr int kMostExperts = 1 << 16;  // in all layers; the largest published model has 94 × 128

ModelSpec read_qwen3(const Fields& f, std::string_view family) {
  f.must_be_off("attention_bias");
  ModelSpec s = read_decoder(f, family, kNames, {.head_dim = 128});
  s.windows = read_late_windows(f, s.layers);
  return s;
}

ModelSpec read(const files::ModelFile& file) { return read_qwen3(Fields(file), "qwen3"); }

// Every `decoder_sparse_step`-th layer has experts unless it is listed as dense; in GGUF files all have.
std::vector<bool> read_sparse_layers(const Fields& f, int layers) {
  std::vector<bool> sparse(layers, f.gguf());
  if (f.gguf()) return sparse;
  int step = f.optional({"", "decoder_sparse_step"}, 1, 1, 1 << 20);
  for (int i = step - 1; i < layers; i += step) sparse[i] = true;
  for (int64_t dense : f.metadata().integers(f.key({"", "mlp_only_layers"}))) {
    if (dense >= 0 && dense < layers) sparse[dense] = false;
  }
  return sparse;
}

ModelSpec read_moe(const files::ModelFile& file) {
  Fields f(file);
  ModelSpec s = read_qwen3(f, "qwen3moe");
  s.experts = f.required({"expert_count", "num_experts"}, 1, 4096);
  s.experts_used = f.required({"expert_used_count", "num_experts_per_tok"}, 1, ops::kMostExpertsUsed);
  s.expert_width = f.required({"expert_feed_forward_length", "moe_intermediate_size"}, 1, 1 << 20);
  s.normalise_experts = f.gguf() || f.flag("norm_topk_prob", false);
  s.sparse = read_sparse_layers(f, s.layers);
  if (s.experts_used > s.experts) {
    fail("{}: {} of {} experts cannot be used", file.path().string(), s.experts_used, s.experts);
  }
  if (s.experts * s.layers > kMostExperts) {
    fail("{}: {} experts in each of {} layers are more than Troika takes on", file.path().string(), s.experts, s.layers);
  }
  return s;
}

ops::Tensor mlp(const ModelSpec& s, ops::Builder& b, ops::Tensor x, int layer) {
  if (s.sparse.empty() || !s.sparse[layer]) return gated_mlp(s, b, x, ops::Activation::silu);
  return b.moe(x, b.linear(x, "mlp.router", s.experts), "mlp.expert", s.expert_width,
               {.used = s.experts_used, .normalise = s.normalise_experts, .act = ops::Activation::silu});
}

ops::Tensor build(const ModelSpec& s, ops::Builder& b) {
  ops::Tensor x = embedded_tokens(s, b);  // [T, E]
  for (int i = 0; i < s.layers; ++i) {
    auto layer = b.scope(fmt::format("layer.{}", i));
    ops::Tensor a = attention(s, b, x, i, {.norm_heads = true});
    x = b.add(x, a);
    x = b.add(x, mlp(s, b, b.rms_norm(x, "mlp_norm", s.norm_epsilon), i));
  }
  return head_logits(s, b, x);
}

constexpr std::string_view kTypes[] = {"qwen3"};
constexpr std::string_view kMoeTypes[] = {"qwen3_moe"};

}  // namespace

const Architecture kQwen3{"qwen3", kTypes, kNames, read, build};
const Architecture kQwen3Moe{"qwen3moe", kMoeTypes, kNames, read_moe, build};

}  // namespace troika::models
