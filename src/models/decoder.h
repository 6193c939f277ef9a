// What the families of decoders share: reading the usual numbers, attention, the gated MLP.
#pragma once

#include "models/fields.h"
#include "models/spec.h"
#include "models/weight_names.h"
#include "ops/builder.h"

namespace troika::models {

// What a family takes for granted when config.json is silent; 0: the usual rule.
struct DecoderDefaults {
  int heads = 0;
  int kv_heads = 0;    // 0: as many as query heads
  int head_dim = 0;    // 0: width / heads
  int context = 32768;
  int vocabulary = 0;  // 0: config.json must say it
  bool tied_head = false;
  std::string_view activation = "silu";  // what config.json calls it
  double rope_theta = 10000;
  double rope_local_theta = 0;  // 0: layers with a window turn as the others do
};

// Sizes, context, vocabulary, tied head, norm epsilon, RoPE; scale 1/√D; no windows.
ModelSpec read_decoder(const Fields& f, std::string_view family, const WeightNames& names,
                       const DecoderDefaults& defaults = {});

// Layers from max_window_layers on slide when config.json switches windows on; GGUF files never do (Qwen).
std::vector<int> read_late_windows(const Fields& f, int layers);

// Layers slide, each `period`-th one sees everything; config.json's layer_types or GGUF's array say otherwise.
std::vector<int> read_windows(const Fields& f, int layers, int window, int period);

struct AttentionStyle {
  ops::Builder::Bias bias = ops::Builder::Bias::no;  // of q, k and v
  bool norm_heads = false;                           // q and k are normalised head by head before RoPE
};

// attn_norm, attn.q, attn.k, attn.v, [attn.q_norm, attn.k_norm,] attn.out: of the residual stream x [T, E] → [T, E]. Of many tokens
// only rows whose logits are wanted go on behind the last layer's keys and values: then x becomes [O, E], as the result is.
ops::Tensor attention(const ModelSpec& s, ops::Builder& b, ops::Tensor& x, int layer, AttentionStyle style = {});

// mlp.gate, mlp.up, mlp.down: of rows of E values, as many
ops::Tensor gated_mlp(const ModelSpec& s, ops::Builder& b, ops::Tensor x, ops::Activation act);

// The embedding, scaled, with image features in place where the model sees.
ops::Tensor embedded_tokens(const ModelSpec& s, ops::Builder& b);  // [T, E]

// norm, head (or the embedding), soft cap: [T, E] or [O, E] → [O, V]
ops::Tensor head_logits(const ModelSpec& s, ops::Builder& b, ops::Tensor x);

}  // namespace troika::models
