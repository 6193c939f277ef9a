// Gemma 3n's names and numbers. Its structure stands in gemma3n.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.h"
#include "models/decoder.h"
#include "models/families.h"
#include "models/gemma3n.h"

namespace troika::models {
namespace {

constexpr WeightName kRows[] = {
    {"embed", "token_embd", "model.embed_tokens"},
    {"norm", "output_norm", "model.norm"},
    {"head", "output", "lm_head"},
    {"ple.embed", "per_layer_token_embd", "model.embed_tokens_per_layer"},
    {"ple.project", "per_layer_model_proj", "model.per_layer_model_projection"},
    {"ple.norm", "per_layer_proj_norm", "model.per_layer_projection_norm"},
    {"stream.1", "altup_proj[0]", "model.altup_projections.0"},
    {"stream.2", "altup_proj[1]", "model.altup_projections.1"},
    {"stream.3", "altup_proj[2]", "model.altup_projections.2"},
    {"unstream.1", "altup_unembd_proj[0]", "model.altup_unembed_projections.0"},
    {"unstream.2", "altup_unembd_proj[1]", "model.altup_unembed_projections.1"},
    {"unstream.3", "altup_unembd_proj[2]", "model.altup_unembed_projections.2"},
    {"altup.router_norm", "altup_router_norm", "altup.router_norm"},
    {"altup.router", "altup_router", "altup.modality_router"},
    {"altup.predict", "altup_predict_coef", "altup.prediction_coefs"},
    {"altup.correct", "altup_correct_coef", "altup.correction_coefs"},
    {"altup.scale", "altup_correct_scale", "altup.correct_output_scale$"},
    {"laurel.left", "laurel_l", "laurel.linear_left"},
    {"laurel.right", "laurel_r", "laurel.linear_right"},
    {"laurel.norm", "laurel_post_norm", "laurel.post_laurel_norm"},
    {"attn_norm", "attn_norm", "input_layernorm"},
    {"attn.q", "attn_q", "self_attn.q_proj"},
    {"attn.k", "attn_k", "self_attn.k_proj"},
    {"attn.v", "attn_v", "self_attn.v_proj"},
    {"attn.q_norm", "attn_q_norm", "self_attn.q_norm"},
    {"attn.k_norm", "attn_k_norm", "self_attn.k_norm"},
    {"attn.out", "attn_output", "self_attn.o_proj"},
    {"attn_post_norm", "post_attention_norm", "post_attention_layernorm"},
    {"mlp_norm", "ffn_norm", "pre_feedforward_layernorm"},
    {"mlp.gate", "ffn_gate", "mlp.gate_proj"},
    {"mlp.up", "ffn_up", "mlp.up_proj"},
    {"mlp.down", "ffn_down", "mlp.down_proj"},
    {"mlp_post_norm", "post_ffw_norm", "post_feedforward_layernorm"},
    {"ple.gate", "inp_gate", "per_layer_input_gate"},
    {"ple.out", "proj", "per_layer_projection"},
    {"ple.post_norm", "post_norm", "post_per_layer_input_norm"},
};
constexpr WeightNames kNames{kRows};

// x for which a normal number lies below x with probability p: where Φ(x) − p is 0, by Newton's steps.
double normal_quantile(double p) {
  double x = 0;
  for (int i = 0; i < 100; ++i) {
    double below = 0.5 * std::erfc(-x / std::numbers::sqrt2);
    double density = std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
    double step = std::clamp((below - p) / density, -1.0, 1.0);
    x -= step;
    if (std::abs(step) < 1e-14) break;
  }
  return x;
}

// One number for all layers or one a layer; the published rule where the file says nothing.
std::vector<double> sparsities(const Fields& f, const std::string& key, int layers) {
  std::span<const double> listed = f.metadata().numbers(key);
  std::vector<double> all(listed.begin(), listed.end());
  if (all.size() == 1) all.resize(layers, all[0]);
  if (all.empty()) {
    for (int i = 0; i < layers; ++i) all.push_back(layers > 10 && i < 10 ? 0.95 : 0);
  }
  if (all.size() != size_t(layers)) {
    fail("{}: {} has {} numbers for {} layers", f.file().path().string(), key, all.size(), layers);
  }
  return all;
}

// GGUF holds the quantiles, config.json the shares that are cut.
std::vector<float> cuts(const Fields& f, int layers) {
  constexpr float kNone = -std::numeric_limits<float>::infinity();
  std::string key = f.key({"activation_sparsity_scale", "activation_sparsity_pattern"});
  bool quantiles = f.gguf() && f.metadata().has(key);
  std::vector<float> cuts;
  for (double value : sparsities(f, key, layers)) {
    bool sensible = quantiles ? !std::isnan(value) && value < 10 : value >= 0 && value < 1;
    if (!sensible) fail("{}: {} holds {}, which cuts nothing sensible", f.file().path().string(), key, value);
    if (quantiles) cuts.push_back(static_cast<float>(value));
    else cuts.push_back(value > 0 ? static_cast<float>(normal_quantile(value)) : kNone);
  }
  return cuts;
}

// As the file has it; a config.json alone says it too.
int rows_of(const Fields& f, const ModelSpec& s, std::string_view weight, std::string_view hf_key, int fallback) {
  auto found = find_weight(f.file(), kNames, weight, s.head_dim);
  return found ? found->view.shape[0] : f.optional({"", hf_key}, fallback, 1, 1 << 24);
}

Gemma3nSpec read_extras(const Fields& f, const ModelSpec& s) {
  Gemma3nSpec g;
  g.streams = f.optional({"altup.num_inputs", "altup_num_inputs"}, 4, 4, 4);  // of which files hold 3 projections
  g.active = f.optional({"altup.active_idx", "altup_active_idx"}, 0, 0, g.streams - 1);
  g.scales_corrected = f.gguf() || f.flag("altup_correct_scale", true);
  int shared = std::min(15, s.layers);
  g.own_layers = s.layers - f.optional({"attention.shared_kv_layers", "num_kv_shared_layers"}, shared, 0, s.layers);
  if (g.own_layers == 0) g.own_layers = s.layers;
  g.ple_width = f.optional({"embedding_length_per_layer_input", "hidden_size_per_layer_input"}, 256, 1, 1 << 16);
  g.ple_rows = rows_of(f, s, "ple.embed.weight", "vocab_size_per_layer_input", 262144);
  g.laurel_rank = rows_of(f, s, "layer.0.laurel.left.weight", "laurel_rank", 64);
  g.cut = cuts(f, s.layers);
  g.mlp_stored = f.list({"feed_forward_length", "intermediate_size"}, 1, 1 << 20);
  if (g.mlp_stored.size() == 1) g.mlp_stored.resize(s.layers, g.mlp_stored[0]);
  if (g.mlp_stored.size() != size_t(s.layers)) {
    fail("{}: {} widths of MLPs for {} layers", f.file().path().string(), g.mlp_stored.size(), s.layers);
  }
  g.mlp_used = g.mlp_stored;
  g.skipped.assign(s.layers, false);
  return g;
}

ModelSpec read(const files::ModelFile& file) {
  Fields f(file);
  ModelSpec s = read_decoder(f, "gemma3n", kNames,
                             {.heads = 8, .kv_heads = 2, .head_dim = 256, .context = 32768, .tied_head = true, .activation = "gelu_pytorch_tanh",
                              .rope_theta = 1e6, .rope_local_theta = 1e4});
  s.embedding_scale = std::sqrt(static_cast<float>(s.width));
  s.attention_scale = 1;
  s.logit_softcap = static_cast<float>(f.number({"final_logit_softcapping", "final_logit_softcapping"}, 30));
  s.windows = read_windows(f, s.layers, f.optional({"attention.sliding_window", "sliding_window"}, 512, 1, 1 << 30), 5);
  s.gemma3n = std::make_shared<Gemma3nSpec>(read_extras(f, s));
  for (int i = s.gemma3n->own_layers; i < s.layers; ++i) {
    if (key_layer(s, i) >= 0) continue;
    fail("{}: layer {} finds no earlier layer of its kind to borrow keys from", file.path().string(), i);
  }
  return s;
}

// Published files hold keys and values of the layers that borrow theirs.
std::vector<std::string> spare(const ModelSpec& s) {
  std::vector<std::string> names;
  for (int i = s.gemma3n->own_layers; i < s.layers; ++i) {
    for (const char* part : {"k", "v", "k_norm"}) names.push_back(fmt::format("layer.{}.attn.{}.weight", i, part));
  }
  return names;
}

constexpr std::string_view kTypes[] = {"gemma3n_text", "gemma3n"};

}  // namespace

int key_layer(const ModelSpec& s, int layer) {
  if (layer < s.gemma3n->own_layers) return layer;
  int lender = s.gemma3n->own_layers - 1;
  while (lender >= 0 && (s.windows[lender] > 0) != (s.windows[layer] > 0)) --lender;
  return lender;
}

const Architecture kGemma3n{"gemma3n", kTypes, kNames, read, build_gemma3n, spare};

}  // namespace troika::models
