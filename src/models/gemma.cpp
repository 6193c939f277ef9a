// Gemma 2 and Gemma 3 (text): four norms a layer, layers with a window in between, a scaled embedding. Gemma 2 caps
// scores and logits; Gemma 3 normalises the heads of q and k instead and turns its windowed layers by a RoPE base of
// their own. Gemma 3 from 4B on sees: its tower stands in siglip.cpp.
#include "models/families.h"

#include <fmt/format.h>

#include <cmath>

#include "models/decoder.h"

namespace troika::models {
namespace {

using enum Adjust;

constexpr WeightName kRows[] = {
    {"embed", "token_embd", "model.embed_tokens"},
    {"norm", "output_norm", "model.norm", hf_plus_one},
    {"head", "output", "lm_head"},
    {"attn_norm", "attn_norm", "input_layernorm", hf_plus_one},
    {"attn.q", "attn_q", "self_attn.q_proj"},
    {"attn.k", "attn_k", "self_attn.k_proj"},
    {"attn.v", "attn_v", "self_attn.v_proj"},
    {"attn.q_norm", "attn_q_norm", "self_attn.q_norm", hf_plus_one},
    {"attn.k_norm", "attn_k_norm", "self_attn.k_norm", hf_plus_one},
    {"attn.out", "attn_output", "self_attn.o_proj"},
    {"attn_post_norm", "post_attention_norm", "post_attention_layernorm", hf_plus_one},
    {"mlp_norm", "ffn_norm", "pre_feedforward_layernorm", hf_plus_one},
    {"mlp.gate", "ffn_gate", "mlp.gate_proj"},
    {"mlp.up", "ffn_up", "mlp.up_proj"},
    {"mlp.down", "ffn_down", "mlp.down_proj"},
    {"mlp_post_norm", "post_ffw_norm", "post_feedforward_layernorm", hf_plus_one},
};
constexpr WeightNames kNames{kRows};

// GGUF does not hold the score scale: the largest model of each family has one of its own.
float score_scale(const Fields& f, const ModelSpec& s, int largest_layers) {
  double by_size = s.layers == largest_layers ? double(s.width) / s.heads : s.head_dim;
  double scalar = f.gguf() ? by_size : f.number({"", "query_pre_attn_scalar"}, 256, 1e-3, 1e6);
  return static_cast<float>(1 / std::sqrt(scalar));
}

// 0: none, as null means in config.json.
float softcap(const Fields& f, std::string_view key, double fallback) {
  return f.is_null(key) ? 0 : static_cast<float>(f.number({key, key}, fallback, 0, 1e6));
}

ModelSpec read_gemma2(const files::ModelFile& file) {
  Fields f(file);
  ModelSpec s = read_decoder(f, "gemma2", kNames,
                             {.heads = 8, .kv_heads = 4, .head_dim = 256, .context = 8192, .vocabulary = 256000,
                              .tied_head = true, .activation = "gelu_pytorch_tanh"});
  s.embedding_scale = std::sqrt(static_cast<float>(s.width));
  s.attention_scale = score_scale(f, s, 46);
  s.attention_softcap = softcap(f, "attn_logit_softcapping", 50);
  s.logit_softcap = softcap(f, "final_logit_softcapping", 30);
  s.windows = read_windows(f, s.layers, f.optional({"attention.sliding_window", "sliding_window"}, 4096, 1, 1 << 30), 2);
  return s;
}

ModelSpec read_gemma3(const files::ModelFile& file) {
  Fields f(file);
  ModelSpec s = read_decoder(f, "gemma3", kNames,
                             {.heads = 8, .kv_heads = 4, .head_dim = 256, .context = 131072, .vocabulary = 262208,
                              .tied_head = true, .activation = "gelu_pytorch_tanh", .rope_theta = 1e6, .rope_local_theta = 1e4});
  s.embedding_scale = std::sqrt(static_cast<float>(s.width));
  s.attention_scale = score_scale(f, s, 62);
  f.must_be_off("use_bidirectional_attention");
  s.logit_softcap = softcap(f, "final_logit_softcapping", 0);
  s.windows = read_windows(f, s.layers, f.optional({"attention.sliding_window", "sliding_window"}, 4096, 1, 1 << 30), 6);
  s.sees_images = s.image_runs = f.gguf() || f.metadata().has("vision_config.hidden_size");
  return s;
}

ops::Tensor build(const ModelSpec& s, ops::Builder& b, bool norm_heads) {
  ops::Tensor x = embedded_tokens(s, b);  // [T, E]
  for (int i = 0; i < s.layers; ++i) {
    auto layer = b.scope(fmt::format("layer.{}", i));
    ops::Tensor a = attention(s, b, x, i, {.norm_heads = norm_heads});
    x = b.add(x, b.rms_norm(a, "attn_post_norm", s.norm_epsilon));
    ops::Tensor m = gated_mlp(s, b, b.rms_norm(x, "mlp_norm", s.norm_epsilon), ops::Activation::gelu_tanh);
    x = b.add(x, b.rms_norm(m, "mlp_post_norm", s.norm_epsilon));
  }
  return head_logits(s, b, x);
}

ops::Tensor build_gemma2(const ModelSpec& s, ops::Builder& b) { return build(s, b, false); }
ops::Tensor build_gemma3(const ModelSpec& s, ops::Builder& b) { return build(s, b, true); }

constexpr std::string_view kGemma2Types[] = {"gemma2"};
constexpr std::string_view kGemma3Types[] = {"gemma3_text", "gemma3"};

}  // namespace

const Architecture kGemma2{"gemma2", kGemma2Types, kNames, read_gemma2, build_gemma2};
const Architecture kGemma3{"gemma3", kGemma3Types, kNames, read_gemma3, build_gemma3};

}  // namespace troika::models
