// troika plan MODEL: how large a model is, how it is built and whether it fits here, told from its config.json (or
// its file) alone; nothing is loaded. --print adds the tape of a bucket with where each result lies.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "apps/model_options.h"
#include "apps/printable.h"
#include "apps/verbs.h"
#include "base/error.h"
#include "base/platform.h"
#include "device/cpu/repack.h"
#include "engine/cache_plan.h"
#include "engine/kv_pages.h"
#include "engine/model.h"
#include "engine/step.h"
#include "engine/weights.h"
#include "files/config_file.h"
#include "models/slices.h"
#include "models/tower.h"
#include "plan/footprint.h"
#include "plan/memory.h"
#include "plan/segments.h"

namespace troika::apps {
namespace {

using nlohmann::ordered_json;

struct Options {
  ModelOptions model;
  int tokens = 1;
  bool print = false, json = false;
};

constexpr int kUsualContext = 8192;
constexpr int kLargestBucket = engine::kBuckets[std::size(engine::kBuckets) - 1];

// A model as the tape tells it; `model` has no weights.
struct Subject {
  engine::Model model;
  ops::Program program;  // one token, not fused: the model's own operations
  const models::Tower* tower = nullptr;
  models::TowerSpec tower_spec;
  ops::Program tower_program;

  bool has_weights() const { return model.file->bytes() > 0; }
};

Subject examine(const Options& o) {
  std::filesystem::path path = find_model(o.model.model);
  Subject s;
  s.model.file = files::is_config_only(path) ? files::open_config(path) : files::ModelFile::open(path);
  s.model.architecture = &models::architecture_of(*s.model.file);
  s.model.spec = s.model.architecture->read(*s.model.file);
  if (!o.model.engine_options().slice.empty()) {
    s.model.spec = models::sliced(s.model.spec, o.model.engine_options().slice);
  }
  bool usual = o.model.engine.kv == "auto";
  s.model.kv_format = usual ? Format::f16 : engine::cache_format(o.model.engine.kv, s.model.spec.head_dim);
  s.program = models::trace(*s.model.architecture, s.model.spec, 1, 1);
  if (s.model.file->kind() == files::FileKind::gguf) return s;  // its tower, if any, lies in another file
  s.tower = models::tower_of(*s.model.file);
  if (!s.tower) return s;
  s.tower_spec = s.tower->read(*s.model.file);
  s.tower_program = models::trace(*s.tower, s.tower_spec, 1);
  return s;
}

// --- what is counted

struct WeightSize {
  std::string format;  // "bf16", "Q4_K_M"; "file": as the file has them
  size_t bytes;
};

// What weights take once they are loaded, beside `available` free bytes of memory.
struct LoadedSize {
  size_t bytes = 0;
  size_t in_place = 0;  // of these, of matrices for whose panels memory is short
};

std::vector<WeightSize> weight_sizes(const Subject& s) {
  if (s.has_weights()) return {{"file", s.model.file->bytes()}};
  std::vector<WeightSize> sizes;
  for (plan::Recipe recipe : plan::kRecipes) {
    size_t tower = s.tower ? plan::weight_bytes(s.tower_program, recipe, plan::Part::tower) : 0;
    sizes.push_back({std::string(name_of(recipe)), plan::weight_bytes(s.program, recipe) + tower});
  }
  return sizes;
}

// Tensors of the file of which a token reads one row: they stay where the file is mapped.
std::set<std::string> tables(const Subject& s) {
  engine::WeightUses uses(s.program);
  std::set<std::string> names;
  for (const ops::TensorInfo& tensor : s.program.tensors) {
    if (tensor.role != ops::Role::weight || uses.of(tensor.name).multiplied) continue;
    try {
      auto found = models::find_weight(*s.model.file, s.model.architecture->names, tensor.name, s.model.spec.head_dim);
      if (found) names.insert(found->name);
    } catch (const Error&) {  // of a type that has no panels either
    }
  }
  return names;
}

// Of a matrix, or of the experts' that are stacked in one tensor, in panels; 0: it has none.
size_t packed_bytes(const files::TensorEntry& tensor) {
  std::vector<int64_t> shape = tensor.shape;
  if (shape.size() == 2) shape.insert(shape.begin(), 1);
  bool usual = std::all_of(shape.begin(), shape.end(), [](int64_t n) { return n > 0 && n <= INT_MAX; });
  if (!tensor.format || shape.size() != 3 || !usual) return 0;
  return size_t(shape[0]) * device::cpu::packed_bytes(*tensor.format, int(shape[1]), int(shape[2]));
}

// As loading does it, tensor by tensor in the order of the file.
LoadedSize loaded_file(const Subject& s, const Options& o, size_t available) {
  device::cpu::RepackBudget budget(available);
  std::set<std::string> unpacked = tables(s);
  LoadedSize loaded;
  for (const files::TensorEntry& tensor : s.model.file->tensors()) {
    size_t panels = o.model.no_repack || unpacked.contains(tensor.name) ? 0 : packed_bytes(tensor);
    bool packed = panels > 0 && budget.take(panels);
    loaded.bytes += packed ? panels : tensor.bytes;
    if (panels > 0 && !packed) loaded.in_place += tensor.bytes;
  }
  return loaded;
}

// Panels of the recipes' formats are as large as the file. Tables stay out; of the values they have a known share.
LoadedSize loaded_recipe(const Subject& s, const Options& o, const WeightSize& weights, size_t available) {
  plan::Parameters count = plan::parameters(s.program);
  auto tables = size_t(double(weights.bytes) * double(count.looked_up) / double(count.total));
  size_t room = device::cpu::RepackBudget(available).room(), panels = weights.bytes - tables;
  return {weights.bytes, o.model.no_repack ? 0 : panels - std::min(panels, room)};
}

LoadedSize loaded(const Subject& s, const Options& o, const WeightSize& weights, size_t available) {
  return s.has_weights() ? loaded_file(s, o, available) : loaded_recipe(s, o, weights, available);
}

// Contexts to show the cache at: what was asked for, or a usual one and the model's own.
std::vector<int> contexts(const Options& o, const models::ModelSpec& spec) {
  if (o.model.engine.context > 0) return {o.model.engine.context};
  if (spec.context <= kUsualContext) return {spec.context};
  return {kUsualContext, spec.context};
}

size_t bytes_per_token(const Subject& s) {
  size_t bytes = 0;
  for (const ops::CacheInfo& c : s.program.caches) bytes += 2 * size_t(c.kv_heads) * row_bytes(s.model.kv_format, c.head_dim);
  return bytes;
}

// While a step runs: its activations, and what layers with a window keep for its tokens beyond the window.
size_t working_bytes(const Subject& s, int context) {
  int outputs = std::min(kLargestBucket, engine::kMaxOutputs);
  ops::Program step = models::trace(*s.model.architecture, s.model.spec, kLargestBucket, outputs);
  size_t bytes = plan::plan_memory(step).bytes;
  for (const ops::CacheInfo& c : s.program.caches) {
    int window = s.program.windows[size_t(c.group)];
    if (window == 0) continue;
    int most = engine::KvPages(0, window).pages_for(context, kLargestBucket);
    int kept = std::min(ops::pages_for(context), ops::pages_for(window) + 1);
    size_t rows = size_t(std::max(0, most - kept)) * ops::kPageTokens * size_t(c.kv_heads);
    bytes += 2 * rows * row_bytes(s.model.kv_format, c.head_dim);
  }
  return bytes;
}

// --- what the tape says of the structure

bool any_op(const ops::Program& program, auto&& condition) {
  return std::any_of(program.ops.begin(), program.ops.end(), condition);
}

bool norms_heads(const ops::Program& program) {
  return any_op(program, [](const ops::Op& op) { return op.kind == ops::OpKind::rms_norm && op.name.ends_with("attn.q_norm"); });
}

bool has_attention_biases(const ops::Program& program) {
  return any_op(program, [](const ops::Op& op) {
    return op.kind == ops::OpKind::linear && op.name.ends_with("attn.q") && op.in.size() > 2;
  });
}

std::string activation(const ops::Program& program) {
  for (const ops::Op& op : program.ops) {
    if (op.kind != ops::OpKind::gated && op.kind != ops::OpKind::moe) continue;
    switch (op.kind == ops::OpKind::moe ? op.as<ops::MoeParams>().act : op.as<ops::ActParams>().act) {
      case ops::Activation::silu: return "silu";
      case ops::Activation::gelu_tanh: return "gelu_tanh";
      case ops::Activation::gelu_erf: return "gelu_erf";
      case ops::Activation::relu: return "relu";
      case ops::Activation::tanh: return "tanh";
    }
  }
  return "";
}

bool is_skipped(const models::ModelSpec& spec, int layer) { return spec.gemma3n && spec.gemma3n->skipped[layer]; }

// Layers by window, 0 last: {512: 22, 0: 4}.
std::map<int, int, std::greater<>> layers_by_window(const models::ModelSpec& spec) {
  std::map<int, int, std::greater<>> count;
  for (int i = 0; i < spec.layers; ++i) {
    if (!is_skipped(spec, i)) ++count[spec.windows[i]];
  }
  return count;
}

// What a MatFormer model can be cut down to.
struct Slice {
  std::string name;
  int layers = 0, narrowest = INT_MAX, widest = 0;  // of the MLPs

  std::string widths() const {
    return narrowest == widest ? fmt::format("{}", widest) : fmt::format("{} to {}", narrowest, widest);
  }
};

// What is computed of a model; all of it where nothing is cut away.
Slice slice_of(std::string_view name, const models::ModelSpec& spec) {
  Slice slice{std::string(name)};
  for (int i = 0; i < spec.layers; ++i) {
    if (is_skipped(spec, i)) continue;
    int width = spec.gemma3n ? spec.gemma3n->mlp_used[i] : spec.mlp_width;
    ++slice.layers;
    slice.narrowest = std::min(slice.narrowest, width);
    slice.widest = std::max(slice.widest, width);
  }
  return slice;
}

std::vector<Slice> slices(const models::ModelSpec& spec) {
  std::vector<Slice> all;
  if (!spec.gemma3n) return all;
  for (const models::PublishedSlice& published : models::published_slices()) {
    try {
      all.push_back(slice_of(published.name, models::sliced(spec, published.name)));
    } catch (const Error&) {  // of another model than this
    }
  }
  return all;
}

// --- for programs

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
  return {{"kind", s.tower->projector},
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

ordered_json to_json(const Subject& s, const Options& o) {
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

// --- for people

std::string size_text(size_t bytes) {
  double gb = double(bytes) / 1e9;
  return gb >= 0.1 ? fmt::format("{:.2f} GB", gb) : fmt::format("{:.1f} MB", gb * 1e3);
}

std::string count_text(int64_t count) {
  return count >= 100'000'000 ? fmt::format("{:.2f} billion", double(count) / 1e9)
                              : fmt::format("{:.2f} million", double(count) / 1e6);
}

void line(std::string_view label, const std::string& text) { fmt::print("{:<11} {}\n", label, text); }

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

std::string cache_text(const Subject& s, const Options& o) {
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

void print_fits(const Subject& s, const Options& o) {
  platform::Memory memory = platform::memory();
  line("memory", fmt::format("{} free of {}", size_text(memory.available_bytes), size_text(memory.total_bytes)));
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
      line("", text);
    }
  }
}

void print_facts(const Subject& s, const Options& o) {
  const models::ModelSpec& spec = s.model.spec;
  line("model", fmt::format("{} ({})", printable(s.model.file->path().string()), spec.family));
  line("parameters", parameters_text(s));
  line("weights", weights_text(s));
  line("layers", layers_text(s));
  line("attention", attention_text(s));
  line("positions", rope_text(*spec.rope) +
                        (spec.local_rope ? "; layers with a window: " + rope_text(*spec.local_rope) : ""));
  line("vocabulary", fmt::format("{}, {}{}", spec.vocabulary,
                                 spec.tied_head ? "the embedding is also the head" : "a head of its own",
                                 spec.logit_softcap > 0 ? fmt::format(", logits capped at {:g}", spec.logit_softcap) : ""));
  line("context", fmt::format("{} tokens", spec.context));
  line("cache", cache_text(s, o));
  if (auto all = slices(spec); !all.empty()) line("slices", slices_text(all));
  if (s.tower) line("vision", vision_text(s));
  if (!s.tower && s.model.file->metadata().has("vision_config.hidden_size")) {
    line("vision", "it has a tower that Troika does not know; text only, and not counted here");
  }
  print_fits(s, o);
}

// --- the tape

void print_tape(Subject& s, const Options& o) {
  engine::open_devices(s.model, o.model.engine_options());
  const plan::Devices devices = s.model.devices;
  const ops::Program plain = models::trace(*s.model.architecture, s.model.spec, o.tokens,
                                           std::min(o.tokens, engine::kMaxOutputs));
  std::vector<int> placement = plan::place(plain, devices, s.model.pins);
  const ops::Program program = plan::fuse_placed(plain, devices, placement);
  const plan::MemoryPlan memory = plan::plan_memory(program);
  fmt::print("\nA step of {} tokens: {} ops in {} segments on {}, {} of activations\n", o.tokens, program.ops.size(),
             plan::cut(placement).size(), plan::summary(program, placement, devices), size_text(memory.bytes));
  size_t width = 9;
  for (const auto& device : devices) width = std::max(width, device->info().name.size());
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const ops::Op& op = program.ops[i];
    std::string at = op.out.empty() ? "" : fmt::format("@{}", memory.offsets[op.out[0].id]);
    fmt::print("{:4}  {:<{}} {:<10} {:<26} {}\n", i, devices[size_t(placement[i])]->info().name, width, at, op.name,
               to_string(program, op));
  }
}

void plan(const Options& o) {
  Subject s = examine(o);
  if (o.json) {
    fmt::print("{}\n", to_json(s, o).dump(2, ' ', false, ordered_json::error_handler_t::replace));
    return;
  }
  print_facts(s, o);
  if (o.print) print_tape(s, o);
}

}  // namespace

void add_plan(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("plan", "Say how large a model is and whether it fits, from its config.json alone");
  add_model_options(*verb, o->model, ModelArgument::required);
  verb->add_option("--tokens", o->tokens, "with --print: tokens a step")->check(CLI::Range(1, kLargestBucket));
  auto* print = verb->add_flag("--print", o->print, "print the tape");
  verb->add_flag("--json", o->json, "as JSON")->excludes(print);
  verb->callback([o] { plan(*o); });
}

}  // namespace troika::apps
