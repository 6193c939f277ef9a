#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "apps/plan_facts.h"
#include "apps/plan_sizes.h"
#include "apps/plan_structure.h"
#include "apps/printable.h"
#include "base/platform.h"
#include "plan/footprint.h"

namespace troika::apps {
namespace {

std::string count_text(int64_t count) {
  return count >= 100'000'000 ? fmt::format("{:.2f} billion", double(count) / 1e9)
                              : fmt::format("{:.2f} million", double(count) / 1e6);
}

std::string parameters_text(const Subject& s) {
  plan::Parameters count = plan::parameters(s.program);
  int64_t vision = s.tower ? plan::parameters(s.tower_program).total : 0;
  std::string text = count_text(count.total + vision);
  if (vision > 0) text += fmt::format(": {} for text, {} for pictures", count_text(count.total), count_text(vision));
  if (count.looked_up > 0) {
    text += fmt::format("; {} of them in tables of which a token reads one row", count_text(count.looked_up));
  }
  return text;
}

std::string weights_text(const Subject& s) {
  if (!s.has_weights()) {
    std::vector<std::string> sizes;
    for (const WeightSize& w : weight_sizes(s)) sizes.push_back(fmt::format("{} in {}", size_text(w.bytes), w.format));
    return fmt::format("{}; none are here, only the configuration", fmt::join(sizes, ", "));
  }
  std::map<std::string, int> types;
  for (const files::TensorEntry& tensor : s.model.file->tensors()) ++types[printable(tensor.type)];
  std::vector<std::string> list;
  for (const auto& [type, count] : types) list.push_back(fmt::format("{} {}", count, type));
  return fmt::format("{} in this file ({} tensors)", size_text(s.model.file->bytes()), fmt::join(list, ", "));
}

std::string layers_text(const Subject& s) {
  const models::ModelSpec& spec = s.model.spec;
  Slice computed = slice_of("", spec);
  std::string text = fmt::format("{} of width {}", computed.layers, spec.width);
  if (computed.layers < spec.layers) {
    text = fmt::format("{} of the file's {}, of width {}", computed.layers, spec.layers, spec.width);
  }
  if (spec.experts > 0) {
    text += fmt::format(", {} of them with {} experts {} wide, {} of which a token uses",
                        std::count(spec.sparse.begin(), spec.sparse.end(), true), spec.experts, spec.expert_width,
                        spec.experts_used);
  } else {
    text += fmt::format(", MLP {} ({})", computed.widths(), activation(s.program));
  }
  if (spec.gemma3n) {
    text += fmt::format(", {} residual streams, an embedding of {} values for each layer", spec.gemma3n->streams,
                        spec.gemma3n->ple_width);
  }
  return text;
}

std::string slices_text(const std::vector<Slice>& all) {
  std::vector<std::string> parts;
  for (const Slice& slice : all) {
    parts.push_back(fmt::format("{} ({} layers, MLP {})", slice.name, slice.layers, slice.widths()));
  }
  return fmt::format("{}; choose one by --slice", fmt::join(parts, ", "));
}

std::string windows_text(const models::ModelSpec& spec) {
  auto count = layers_by_window(spec);
  if (count.size() == 1 && count.begin()->first == 0) return "every layer sees all of the text";
  std::vector<std::string> parts;
  for (auto [window, layers] : count) {
    parts.push_back(window > 0 ? fmt::format("{} layers see the last {} tokens", layers, window)
                               : fmt::format("{} see all of the text", layers));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string attention_text(const Subject& s) {
  const models::ModelSpec& spec = s.model.spec;
  std::string text = fmt::format("{} heads on {} key/value heads of {}", spec.heads, spec.kv_heads, spec.head_dim);
  if (norms_heads(s.program)) text += ", queries and keys normalised";
  if (has_attention_biases(s.program)) text += ", with biases";
  if (spec.attention_softcap > 0) text += fmt::format(", scores capped at {:g}", spec.attention_softcap);
  text += "; " + windows_text(spec);
  int shared = slice_of("", spec).layers - static_cast<int>(s.program.caches.size());
  if (shared > 0) text += fmt::format("; {} layers read the keys and values of earlier ones", shared);
  return text;
}

std::string rope_text(const ops::RopeTable& rope) {
  std::string text = fmt::format("base {:.10g}", rope.base);
  if (!rope.scaling.empty()) text += fmt::format(", scaling {}", rope.scaling);
  if (!rope.axis.empty()) text += ", by time, row and column";
  return text;
}

std::string cache_text(const Subject& s, const ModelOptions& o) {
  std::string text = fmt::format("{:.1f} kB a token in {}", double(bytes_per_token(s)) / 1e3, info(s.model.kv_format).name);
  for (int tokens : contexts(o, s.model.spec)) {
    text += fmt::format("; {} at {} tokens", size_text(plan::cache_bytes(s.program, s.model.kv_format, tokens)), tokens);
  }
  return text;
}

std::string vision_text(const Subject& s) {
  const models::TowerSpec& t = s.tower_spec;
  const vision::ProcessorSpec& p = t.processor;
  std::string text = fmt::format("{} layers of width {}, {} heads, MLP {}; patches of {} x {} pixels, {} x {} of them a token",
                                 t.layers, t.width, t.heads, t.mlp_width, p.patch, p.patch, p.merge, p.merge);
  if (p.rule == vision::ResizeRule::fixed) {
    int side = p.size / p.patch / p.merge;
    text += fmt::format("; pictures of {} x {} pixels, {} tokens each", p.size, p.size, side * side);
  }
  auto frames = std::count(t.spans.begin(), t.spans.end(), ops::SpanKind::frame);
  if (frames < t.layers) text += fmt::format("; {} layers see the whole picture, the others windows of it", frames);
  return text;
}

}  // namespace

std::string size_text(size_t bytes) {
  double gb = double(bytes) / 1e9;
  return gb >= 0.1 ? fmt::format("{:.2f} GB", gb) : fmt::format("{:.1f} MB", gb * 1e3);
}

void print_line(std::string_view label, std::string_view text) { fmt::print("{:<11} {}\n", label, text); }

void print_fits(const Subject& s, const ModelOptions& o) {
  platform::Memory memory = platform::memory();
  print_line("memory", fmt::format("{} free of {}", size_text(memory.available_bytes), size_text(memory.total_bytes)));
  for (int tokens : contexts(o, s.model.spec)) {
    size_t rest = plan::cache_bytes(s.program, s.model.kv_format, tokens) + working_bytes(s, tokens);
    for (const WeightSize& w : weight_sizes(s)) {
      LoadedSize weight = loaded(s, o, w, memory.available_bytes);
      size_t needed = weight.bytes + rest;
      bool fits = needed <= memory.available_bytes;
      std::string text = fmt::format("{} with {} tokens {}: needs {}", s.has_weights() ? "this file" : w.format, tokens,
                                     fits ? "fits" : "does not fit", size_text(needed));
      if (fits && weight.in_place > 0) {
        text += fmt::format("; {} of it are read where the file is mapped, which is slower", size_text(weight.in_place));
      }
      print_line("", text);
    }
  }
}

void print_facts(const Subject& s, const ModelOptions& o) {
  const models::ModelSpec& spec = s.model.spec;
  print_line("model", fmt::format("{} ({})", printable(s.model.file->path().string()), spec.family));
  print_line("parameters", parameters_text(s));
  print_line("weights", weights_text(s));
  print_line("layers", layers_text(s));
  print_line("attention", attention_text(s));
  print_line("positions", rope_text(*spec.rope) +
                        (spec.local_rope ? "; layers with a window: " + rope_text(*spec.local_rope) : ""));
  print_line("vocabulary", fmt::format("{}, {}{}", spec.vocabulary,
                                 spec.tied_head ? "the embedding is also the head" : "a head of its own",
                                 spec.logit_softcap > 0 ? fmt::format(", logits capped at {:g}", spec.logit_softcap) : ""));
  print_line("context", fmt::format("{} tokens", spec.context));
  print_line("cache", cache_text(s, o));
  if (auto all = slices(spec); !all.empty()) print_line("slices", slices_text(all));
  if (s.tower) print_line("vision", vision_text(s));
  if (!s.tower && s.model.file->metadata().has("vision_config.hidden_size")) {
    print_line("vision", "it has a tower that Troika does not know; text only, and not counted here");
  }
}

}  // namespace troika::apps
