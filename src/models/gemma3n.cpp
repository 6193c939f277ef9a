// Gemma 3n (text): four residual streams of which a layer works on one and corrects the others (AltUp), a low-rank
// shortcut beside attention (LAuReL), an embedding for every layer, gates of which the first layers keep 5 %, and
// late layers that look at the keys and values of earlier ones. A slice (slices.h) leaves out layers and parts of MLPs.
// AltUp: Baykal et al. 2023, arXiv:2301.13310. LAuReL: Menghani et al. 2024, arXiv:2411.07501.
#include "models/gemma3n.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <optional>

#include "models/decoder.h"

namespace troika::models {
namespace {

using ops::Builder;
using ops::Tensor;

// Normalised by its width and not by its root, as published.
Tensor route(const ModelSpec& s, Builder& b, Tensor x) {
  Tensor n = b.scale(b.rms_norm(x, "altup.router_norm", s.norm_epsilon), 1 / static_cast<float>(s.width));
  return b.act(ops::Activation::tanh, b.linear(n, "altup.router", s.gemma3n->streams));  // [T, streams]
}

// What each layer gets of the token itself: [T, layers·P]; only the parts of layers in use are computed.
Tensor layer_inputs(const ModelSpec& s, Builder& b, Tensor x, const Gemma3nSpec& g) {
  int width = s.layers * g.ple_width;
  Tensor own = b.scale(b.embed("ple.embed", g.ple_rows, width), std::sqrt(static_cast<float>(g.ple_width)));
  std::optional<Tensor> all;
  for (int first = 0, end = 0; first < s.layers; first = end) {
    while (end < s.layers && g.skipped[end] == g.skipped[first]) ++end;
    if (g.skipped[first]) continue;
    int from = first * g.ple_width, count = (end - first) * g.ple_width;
    Tensor part = b.linear_part(x, "ple.project", count, {{width, s.width}, from});
    part = b.scale(part, 1 / std::sqrt(static_cast<float>(s.width)));
    part = b.rms_norm(part, "ple.norm", s.norm_epsilon, g.ple_width);
    part = b.scale(b.add(part, b.slice(own, from, count)), std::numbers::sqrt2_v<float> / 2);
    all = all ? b.concat(*all, part) : part;
  }
  return *all;
}

Tensor attention_of(const ModelSpec& s, Builder& b, Tensor x, int layer, int cache) {
  float e = s.norm_epsilon;
  int window = s.windows[layer], d = s.head_dim;
  Tensor q = b.rms_norm(b.linear(x, "attn.q", s.heads * d), "attn.q_norm", e, d);  // [T, H·D]
  if (layer < s.gemma3n->own_layers) {
    Tensor k = b.rms_norm(b.linear(x, "attn.k", s.kv_heads * d), "attn.k_norm", e, d);  // [T, G·D]
    Tensor v = b.rms_norm_plain(b.linear(x, "attn.v", s.kv_heads * d), e, d);           // [T, G·D]
    b.kv_write(cache, b.rope(k, s.kv_heads, s.rope_of(layer)), v);
  }
  q = b.rope(q, s.heads, s.rope_of(layer));
  Tensor mixed = b.attend(q, {.cache = cache, .heads = s.heads, .scale = s.attention_scale, .window = window});
  return b.linear(mixed, "attn.out", s.width);  // [T, E]
}

// With a cut most of the gate is 0, and so are most rows of the product with mlp.up: these are not computed. The
// columns of mlp.down that meet a 0 are read all the same: a block of weights lies along them.
Tensor mlp(const ModelSpec& s, Builder& b, Tensor x, int layer) {
  const Gemma3nSpec& g = *s.gemma3n;
  Shape in{g.mlp_stored[layer], s.width}, out{s.width, g.mlp_stored[layer]};
  Tensor gate = b.linear_part(x, "mlp.gate", g.mlp_used[layer], {in});  // [T, F]
  bool sparse = std::isfinite(g.cut[layer]);
  if (sparse) gate = b.cut_below(gate, g.cut[layer]);
  Tensor up = sparse ? b.linear_where(x, "mlp.up", gate, {in}) : b.linear_part(x, "mlp.up", g.mlp_used[layer], {in});
  return b.linear_part(b.gated(ops::Activation::gelu_tanh, gate, up), "mlp.down", s.width, {out});  // [T, E]
}

// All streams [T, E] through one layer; `input` [T, P] is the layer's own.
void run_layer(const ModelSpec& s, Builder& b, std::vector<Tensor>& streams, Tensor input, int layer, int cache) {
  const Gemma3nSpec& g = *s.gemma3n;
  float e = s.norm_epsilon;
  Tensor m = b.linear(route(s, b, streams[g.active]), "altup.predict", g.streams * g.streams);
  std::vector<Tensor> predicted;
  for (int i = 0; i < g.streams; ++i) predicted.push_back(b.add(streams[i], b.mix(m, i * g.streams, streams)));

  Tensor x = predicted[g.active], n = b.rms_norm(x, "attn_norm", e);
  Tensor shortcut = b.linear(b.linear(n, "laurel.left", g.laurel_rank), "laurel.right", s.width);
  shortcut = b.add(n, b.rms_norm(shortcut, "laurel.norm", e));
  Tensor a = b.add(x, b.rms_norm(attention_of(s, b, n, layer, cache), "attn_post_norm", e));
  a = b.scale(b.add(a, shortcut), std::numbers::sqrt2_v<float> / 2);
  Tensor y = b.add(a, b.rms_norm(mlp(s, b, b.rms_norm(a, "mlp_norm", e), layer), "mlp_post_norm", e));

  Tensor c = b.linear(route(s, b, y), "altup.correct", g.streams), news = b.add(y, b.scale(x, -1));
  for (int i = 0; i < g.streams; ++i) streams[i] = b.add(b.add(predicted[i], news), b.mix(c, i, {news}));

  Tensor q = g.scales_corrected ? b.mul_by(streams[g.active], "altup.scale") : streams[g.active];
  q = b.gated(ops::Activation::gelu_tanh, b.linear(q, "ple.gate", g.ple_width), input);
  q = b.rms_norm(b.linear(q, "ple.out", s.width), "ple.post_norm", e);
  for (int i = 1; i < g.streams; ++i) streams[i] = b.add(streams[i], q);
}

// By layer; declared for every slice alike, so that all slices share the pages.
std::vector<int> caches_of(const ModelSpec& s, Builder& b) {
  std::vector<int> caches;
  for (int i = 0; i < s.layers; ++i) {
    int lender = key_layer(s, i);
    caches.push_back(lender == i ? b.kv_cache(s.kv_heads, s.head_dim, s.windows[i]) : caches[lender]);
  }
  return caches;
}

}  // namespace

ops::Tensor build_gemma3n(const ModelSpec& s, Builder& b) {
  const Gemma3nSpec& g = *s.gemma3n;
  std::vector<int> caches = caches_of(s, b);
  std::vector<Tensor> streams{embedded_tokens(s, b)};  // [T, E] each
  Tensor inputs = layer_inputs(s, b, streams[0], g);
  for (int i = 1; i < g.streams; ++i) {
    streams.push_back(b.match_rms(b.linear(streams[0], fmt::format("stream.{}", i), s.width), streams[0], 1e-5f));
  }
  for (int i = 0, used = 0; i < s.layers; ++i) {
    if (g.skipped[i]) continue;
    auto layer = b.scope(fmt::format("layer.{}", i));
    run_layer(s, b, streams, b.slice(inputs, used++ * g.ple_width, g.ple_width), i, caches[i]);
  }
  Tensor sum = streams[0];
  for (int i = 1; i < g.streams; ++i) {
    Tensor back = b.linear(streams[i], fmt::format("unstream.{}", i), s.width);
    sum = b.add(sum, b.match_rms(back, streams[0], 1e-5f));
  }
  return head_logits(s, b, b.scale(sum, 1 / static_cast<float>(g.streams)));
}

}  // namespace troika::models
