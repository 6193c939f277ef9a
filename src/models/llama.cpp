// Llama 3 (and its many relatives): the decoder that the others vary.
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
    {"attn.q", "attn_q", "self_attn.q_proj", Adjust::gguf_unpair},
    {"attn.k", "attn_k", "self_attn.k_proj", Adjust::gguf_unpair},
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
  f.must_be_off("attention_bias");
  f.must_be_off("mlp_bias");
  return read_decoder(f, "llama", kNames, {.context = 2048});
}

ops::Tensor build(const ModelSpec& s, ops::Builder& b) {
  ops::Tensor x = embedded_tokens(s, b);  // [T, E]
  for (int i = 0; i < s.layers; ++i) {
    auto layer = b.scope(fmt::format("layer.{}", i));
    ops::Tensor a = attention(s, b, x, i);
    x = b.add(x, a);
    x = b.add(x, gated_mlp(s, b, b.rms_norm(x, "mlp_norm", s.norm_epsilon), ops::Activation::silu));
  }
  return head_logits(s, b, x);
}

constexpr std::string_view kTypes[] = {"llama"};

}  // namespace

const Architecture kLlama{"llama", kTypes, kNames, read, build};

}  // namespace troika::models
