#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/plan_facts.h"
#include "apps/plan_sizes.h"
#include "apps/plan_structure.h"
#include "base/platform.h"
#include "plan/footprint.h"

namespace troika::apps {

using nlohmann::ordered_json;

namespace {

ordered_json to_json(const ops::RopeTable* rope) {
  if (!rope) return nullptr;
  ordered_json axes = ordered_json::array();
  for (size_t i = 0; i < rope->axis.size(); ++i) {
    if (i == 0 || rope->axis[i] != rope->axis[i - 1]) axes.push_back(0);
    axes.back() = axes.back().get<int>() + 1;
  }
  ordered_json json{{"base", rope->base}, {"scaling", nullptr}, {"amplitude", rope->amplitude}};
  if (!rope->scaling.empty()) json["scaling"] = rope->scaling;
  if (!axes.empty()) json["sections"] = axes;
  return json;
}

ordered_json vision_json(const Subject& s) {
  if (!s.tower) return nullptr;
  const models::TowerSpec& t = s.tower_spec;
  auto frames = std::count(t.spans.begin(), t.spans.end(), ops::SpanKind::frame);
  return {
      {"kind", s.tower->projector},
      {"parameters", plan::parameters(s.tower_program).total},
      {"layers", t.layers},
      {"layers_over_whole_picture", frames},
      {"width", t.width},
      {"heads", t.heads},
      {"mlp_width", t.mlp_width},
      {"patch", t.processor.patch},
      {"merge", t.processor.merge},
      {"image_size", t.processor.rule == vision::ResizeRule::fixed ? ordered_json(t.processor.size) : ordered_json(nullptr)},
      {"text_width", t.text_width}};
}

}  // namespace

ordered_json facts_json(const Subject& s, const ModelOptions& o) {
  const models::ModelSpec& spec = s.model.spec;
  plan::Parameters count = plan::parameters(s.program);
  int64_t vision = s.tower ? plan::parameters(s.tower_program).total : 0;
  ordered_json weights = ordered_json::object(), caches = ordered_json::array(), fits = ordered_json::array();
  size_t available = platform::memory().available_bytes;
  for (const WeightSize& w : weight_sizes(s)) weights[w.format] = w.bytes;
  ordered_json matformer = ordered_json::array(), experts = nullptr, layer_embeddings = nullptr;
  for (const Slice& slice : slices(spec)) {
    matformer.push_back({{"name", slice.name}, {"layers", slice.layers}, {"mlp_width", {slice.narrowest, slice.widest}}});
  }
  if (spec.experts > 0) {
    experts = {{"count", spec.experts},
               {"used", spec.experts_used},
               {"width", spec.expert_width},
               {"layers", std::count(spec.sparse.begin(), spec.sparse.end(), true)}};
  }
  if (spec.gemma3n) layer_embeddings = {{"rows", spec.gemma3n->ple_rows}, {"width", spec.gemma3n->ple_width}};
  for (int tokens : contexts(o, spec)) {
    size_t cache = plan::cache_bytes(s.program, s.model.kv_format, tokens), work = working_bytes(s, tokens);
    caches.push_back({{"tokens", tokens}, {"bytes", cache}});
    for (const WeightSize& w : weight_sizes(s)) {
      LoadedSize weight = loaded(s, o, w, available);
      size_t needed = weight.bytes + cache + work;
      fits.push_back({{"weights", w.format},
                      {"tokens", tokens},
                      {"needed_bytes", needed},
                      {"in_place_bytes", weight.in_place},
                      {"fits", needed <= available}});
    }
  }
  Slice computed = slice_of("", spec);
  return {{"path", s.model.file->path().string()},
          {"format", s.model.file->kind() == files::FileKind::gguf ? "gguf" : s.has_weights() ? "safetensors" : "config"},
          {"architecture", spec.family},
          {"parameters", count.total + vision},
          {"parameters_text", count.total},
          {"parameters_vision", vision},
          {"parameters_looked_up", count.looked_up},
          {"parameters_head", count.head},
          {"weight_bytes", weights},
          {"cache", {{"format", info(s.model.kv_format).name}, {"bytes_per_token", bytes_per_token(s)}, {"at", caches}}},
          {"layers", computed.layers},
          {"layers_stored", spec.layers},
          {"caches", s.program.caches.size()},
          {"width", spec.width},
          {"heads", spec.heads},
          {"kv_heads", spec.kv_heads},
          {"head_dim", spec.head_dim},
          {"mlp_width", computed.widest},
          {"activation", activation(s.program)},
          {"vocabulary", spec.vocabulary},
          {"tied_head", spec.tied_head},
          {"context", spec.context},
          {"head_norms", norms_heads(s.program)},
          {"attention_biases", has_attention_biases(s.program)},
          {"attention_scale", spec.attention_scale},
          {"attention_softcap", spec.attention_softcap},
          {"logit_softcap", spec.logit_softcap},
          {"embedding_scale", spec.embedding_scale},
          {"windows", spec.windows},
          {"rope", to_json(spec.rope.get())},
          {"local_rope", to_json(spec.local_rope.get())},
          {"experts", experts},
          {"layer_embeddings", layer_embeddings},
          {"slices", matformer},
          {"vision", vision_json(s)},
          {"memory", {{"available_bytes", available}, {"models", fits}}}};
}

}  // namespace troika::apps
