// Qwen2 and Qwen2.5 (0.5B to 72B, Coder, Math, QwQ, distills): a Llama-like decoder with biases on q, k and v.
// Qwen2.5-VL's text model is the same with M-RoPE; its tower stands in qwen2_vision.cpp.
#include "models/families.h"

#include <fmt/format.h>

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
    {"attn.out", "attn_output", "self_attn.o_proj"},
    {"mlp_norm", "ffn_norm", "post_attention_layernorm"},
    {"mlp.gate", "ffn_gate", "mlp.gate_proj"},
    {"mlp.up", "ffn_up", "mlp.up_proj"},
    {"mlp.down", "ffn_down", "mlp.down_proj"},
};
constexpr WeightNames kNames{kRows};

ModelSpec read(const files::ModelFile& file) {
  Fields f(file);
  ModelSpec s = read_decoder(f, "qwen2", kNames);
  s.windows = read_late_windows(f, s.layers);
  return s;
}

ModelSpec read_vl(const files::ModelFile& file) {
  ModelSpec s = read(file);
  s.family = "qwen2vl";
  s.sees_images = true;
  return s;
}

ops::Tensor build(const ModelSpec& s, ops::Builder& b) {
  ops::Tensor x = embedded_tokens(s, b);  // [T, E]
  for (int i = 0; i < s.layers; ++i) {
    auto layer = b.scope(fmt::format("layer.{}", i));
    ops::Tensor a = attention(s, b, x, i, {.bias = ops::Builder::Bias::yes});
    x = b.add(x, a);
    x = b.add(x, gated_mlp(s, b, b.rms_norm(x, "mlp_norm", s.norm_epsilon), ops::Activation::silu));
  }
  return head_logits(s, b, x);
}

constexpr std::string_view kTypes[] = {"qwen2"};
constexpr std::string_view kVlTypes[] = {"qwen2_5_vl", "qwen2_5_vl_text"};

}  // namespace

const Architecture kQwen2{"qwen2", kTypes, kNames, read, build};
const Architecture kQwen2Vl{"qwen2vl", kVlTypes, kNames, read_vl, build};

}  // namespace troika::models
