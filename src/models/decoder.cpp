#include "models/decoder.h"

#include <cmath>

#include "base/error.h"
#include "models/rope.h"

namespace troika::models {

namespace {

constexpr int kFewTokens = 8;  // these go on together: it is weights that they wait for, however many they are

// Multimodal configs say it at the top, in text_config, or in both; the top decides.
bool says_tied(const Fields& f, bool fallback) {
  bool nested = f.flag("tie_word_embeddings", fallback);
  return f.metadata().boolean("tie_word_embeddings").value_or(nested);
}

}  // namespace

ModelSpec read_decoder(const Fields& f, std::string_view family, const WeightNames& names,
                       const DecoderDefaults& defaults) {
  ModelSpec s{.family = std::string(family)};
  std::string path = f.file().path().string();
  s.layers = f.required({"block_count", "num_hidden_layers"}, 1, 1024);
  s.width = f.required({"embedding_length", "hidden_size"}, 1, 1 << 17);
  Field heads{"attention.head_count", "num_attention_heads"};
  s.heads = defaults.heads > 0 ? f.optional(heads, defaults.heads, 1, 1024) : f.required(heads, 1, 1024);
  int kv_heads = defaults.kv_heads > 0 ? defaults.kv_heads : s.heads;
  s.kv_heads = f.optional({"attention.head_count_kv", "num_key_value_heads"}, kv_heads, 1, 1024);
  int head_dim = defaults.head_dim > 0 ? defaults.head_dim : s.width / s.heads;
  s.head_dim = f.optional({"attention.key_length", "head_dim"}, head_dim, 2, 1024);
  s.mlp_width = f.list({"feed_forward_length", "intermediate_size"}, 1, 1 << 20)[0];
  s.context = f.optional({"context_length", "max_position_embeddings"}, defaults.context, 1, 1 << 24);
  s.norm_epsilon = static_cast<float>(f.number({"attention.layer_norm_rms_epsilon", "rms_norm_eps"}, 1e-6, 0, 1));
  f.must_be("hidden_act", defaults.activation);
  f.must_be("hidden_activation", defaults.activation);
  if (s.heads % s.kv_heads != 0 || s.head_dim < 2 || s.head_dim % 2 != 0) {
    fail("{}: {} query heads on {} key/value heads of {} do not fit", path, s.heads, s.kv_heads, s.head_dim);
  }
  auto embedding = find_weight(f.file(), names, "embed.weight", s.head_dim);
  Field vocabulary{"vocab_size", "vocab_size"};
  s.vocabulary = embedding                 ? embedding->view.shape[0]
                 : defaults.vocabulary > 0 ? f.optional(vocabulary, defaults.vocabulary, 1, 1 << 24)
                                           : f.required(vocabulary, 1, 1 << 24);
  bool has_head = find_weight(f.file(), names, "head.weight", s.head_dim).has_value();
  s.tied_head = (embedding && !has_head) || (!f.gguf() && says_tied(f, defaults.tied_head));
  s.windows.assign(s.layers, 0);
  s.attention_scale = 1 / std::sqrt(static_cast<float>(s.head_dim));
  s.rope = read_rope(f, s.head_dim, s.context, defaults.rope_theta);
  if (defaults.rope_local_theta > 0) s.local_rope = read_local_rope(f, s.head_dim, defaults.rope_local_theta);
  return s;
}

std::vector<int> read_late_windows(const Fields& f, int layers) {
  std::vector<int> windows(layers, 0);
  if (f.gguf() || !f.flag("use_sliding_window", false)) return windows;
  int window = f.optional({"", "sliding_window"}, 0, 1, 1 << 30);
  int first = f.optional({"", "max_window_layers"}, layers, 0, 1 << 20);
  for (int i = first; i < layers; ++i) windows[i] = window;
  return windows;
}

std::vector<int> read_windows(const Fields& f, int layers, int window, int period) {
  std::vector<int> windows(layers, window);
  std::string pattern = f.key({"attention.sliding_window_pattern", "layer_types"});
  std::vector<bool> listed;
  if (f.metadata().is_array(pattern)) listed = f.gguf() ? f.metadata().booleans(pattern) : f.sliding_layers();
  if (!listed.empty()) {
    if (listed.size() != size_t(layers)) {
      fail("{}: {} layer types for {} layers", f.file().path().string(), listed.size(), layers);
    }
    for (int i = 0; i < layers; ++i) windows[i] = listed[i] ? window : 0;
    return windows;
  }
  period = f.optional({"attention.sliding_window_pattern", "sliding_window_pattern"}, period, 1, 1 << 20);
  for (int i = period - 1; i < layers; i += period) windows[i] = 0;
  return windows;
}

ops::Tensor attention(const ModelSpec& s, ops::Builder& b, ops::Tensor& x, int layer, AttentionStyle style) {
  ops::Tensor n = b.rms_norm(x, "attn_norm", s.norm_epsilon);                  // [T, E]
  ops::Tensor q = b.linear(n, "attn.q", s.heads * s.head_dim, style.bias);     // [T, H·D]
  ops::Tensor k = b.linear(n, "attn.k", s.kv_heads * s.head_dim, style.bias);  // [T, G·D]
  ops::Tensor v = b.linear(n, "attn.v", s.kv_heads * s.head_dim, style.bias);  // [T, G·D]
  if (style.norm_heads) {
    q = b.rms_norm(q, "attn.q_norm", s.norm_epsilon, s.head_dim);
    k = b.rms_norm(k, "attn.k_norm", s.norm_epsilon, s.head_dim);
  }
  int cache = b.kv_cache(s.kv_heads, s.head_dim, s.windows[layer]);
  b.kv_write(cache, b.rope(k, s.kv_heads, s.rope_of(layer)), v);
  ops::Tensor mixed = b.attend(b.rope(q, s.heads, s.rope_of(layer)), {.cache = cache,
                                                                      .heads = s.heads,
                                                                      .scale = s.attention_scale,
                                                                      .softcap = s.attention_softcap,
                                                                      .window = s.windows[layer]});  // [T, H·D]
  if (layer == s.layers - 1 && b.tokens() > kFewTokens) {  // nobody looks at what the others come to
    mixed = b.pick_rows(mixed);
    x = b.pick_rows(x);
  }
  return b.linear(mixed, "attn.out", s.width);
}

ops::Tensor gated_mlp(const ModelSpec& s, ops::Builder& b, ops::Tensor x, ops::Activation act) {
  ops::Tensor gate = b.linear(x, "mlp.gate", s.mlp_width);             // [T, F]
  ops::Tensor up = b.linear(x, "mlp.up", s.mlp_width);                 // [T, F]
  return b.linear(b.gated(act, gate, up), "mlp.down", s.width);        // [T, E]
}

ops::Tensor embedded_tokens(const ModelSpec& s, ops::Builder& b) {
  ops::Tensor x = b.embed("embed", s.vocabulary, s.width);
  if (s.embedding_scale != 1) x = b.scale(x, s.embedding_scale);
  return s.sees_images ? b.insert_features(x) : x;
}

ops::Tensor head_logits(const ModelSpec& s, ops::Builder& b, ops::Tensor x) {
  x = b.rms_norm(b.pick_rows(x), "norm", s.norm_epsilon);                       // [O, E]
  b.keep_states(x);
  ops::Tensor logits = b.linear(x, s.tied_head ? "embed" : "head", s.vocabulary);  // [O, V]
  return s.logit_softcap > 0 ? b.softcap(logits, s.logit_softcap) : logits;
}

}  // namespace troika::models
