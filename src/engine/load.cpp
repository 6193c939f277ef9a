#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "base/platform.h"
#include "engine/model.h"
#include "ops/rewrites.h"

namespace troika::engine {
namespace {

// The block format that --quant names.
std::optional<Format> wanted_format(const EngineOptions& options) {
  if (options.quantise.empty()) return std::nullopt;
  auto format = find_format(options.quantise);
  if (!format || info(*format).block_values == 1) fail("--quant {}: there is no such block format", options.quantise);
  return format;
}

// The wanted format or, where its blocks do not divide the rows, q8_0: q4_k wants 256 values, q8_0 only 32.
std::optional<Format> fitting_format(Format wanted, int columns) {
  for (Format candidate : {wanted, Format::q8_0}) {
    if (columns % info(candidate).block_values == 0) return candidate;
  }
  return std::nullopt;
}

// Rounds a float matrix to a block format, rows in parallel. Other weights stay as they are.
WeightView quantised(const WeightView& view, Format wanted, int threads) {
  bool is_float = view.format == Format::f32 || view.format == Format::f16 || view.format == Format::bf16;
  if (!is_float || view.shape.rank != 2) return view;
  auto format = fitting_format(wanted, view.shape.columns());
  if (!format) return view;
  const FormatInfo& from = info(view.format);
  const FormatInfo& to = info(*format);
  size_t columns = view.shape.columns(), rows = view.shape.rows();
  size_t in_bytes = row_bytes(view.format, columns), out_bytes = row_bytes(*format, columns);
  auto storage = std::make_shared<std::vector<std::byte>>(rows * out_bytes);
  std::atomic<size_t> next{0};
  auto work = [&] {
    std::vector<float> values(columns);
    for (size_t row; (row = next.fetch_add(1)) < rows;) {
      from.unpack(view.bytes.data() + row * in_bytes, values);
      to.pack(values, {}, storage->data() + row * out_bytes);
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (int i = 1; i < threads; ++i) helpers.emplace_back(work);
    work();
  }
  return {view.name, *format, view.shape, *storage, storage};
}

// Looks up every weight that the tape names; says all that is wrong in one Error.
std::vector<WeightView> collect(const Model& model, const ops::Program& program) {
  std::vector<WeightView> views;
  std::vector<std::string> problems;
  for (const ops::TensorInfo& tensor : program.tensors) {
    if (tensor.role != ops::Role::weight) continue;
    std::string name = model.architecture->weight_name(tensor.name, model.file->kind());
    auto view = model.file->find(name);
    if (!view) {
      problems.push_back(fmt::format("{} is missing", name));
    } else if (view->shape != tensor.shape) {
      problems.push_back(fmt::format("{} is {}, expected {}", name, to_string(view->shape), to_string(tensor.shape)));
    } else {
      view->name = tensor.name;
      views.push_back(std::move(*view));
    }
  }
  if (!problems.empty()) {
    size_t shown = std::min<size_t>(problems.size(), 8);
    fail("{}: {} of {} weights do not fit: {}{}", model.file->path().string(), problems.size(),
         problems.size() + views.size(), fmt::join(problems.begin(), problems.begin() + ptrdiff_t(shown), "; "),
         problems.size() > shown ? "; …" : "");
  }
  return views;
}

void name_unused(const Model& model, const ops::Program& program) {
  std::set<std::string> used;
  for (const ops::TensorInfo& tensor : program.tensors) {
    if (tensor.role == ops::Role::weight) used.insert(model.architecture->weight_name(tensor.name, model.file->kind()));
  }
  std::vector<std::string> unused;
  for (const std::string& name : model.file->names()) {
    if (!used.contains(name)) unused.push_back(name);
  }
  if (unused.empty()) return;
  size_t shown = std::min<size_t>(unused.size(), 4);
  log::warn("{} tensors of {} are not used: {}{}", unused.size(), model.file->path().string(),
            fmt::join(unused.begin(), unused.begin() + ptrdiff_t(shown), ", "), unused.size() > shown ? ", …" : "");
}

// Weights that every token's computation reads whole; an embedding that is only looked up is not among them.
std::set<std::string> read_whole(const ops::Program& program) {
  std::set<std::string> names;
  for (const ops::Op& op : program.ops) {
    if (op.kind == ops::OpKind::embed) continue;
    for (ops::Tensor t : op.in) {
      if (program[t].role == ops::Role::weight) names.insert(program[t].name);
    }
  }
  return names;
}

// Weights that every token of a prompt is multiplied with; the head sees one row of a prompt only.
int64_t multiplied_weights(const ops::Program& program) {
  int64_t values = 0;
  for (const ops::Op& op : program.ops) {
    bool linear = op.kind == ops::OpKind::linear || op.kind == ops::OpKind::linear_gated;
    if (!linear || program[op.in[0]].extent != ops::Extent::tokens) continue;
    for (ops::Tensor t : op.in) {
      if (program[t].role == ops::Role::weight) values += program[t].shape.values();
    }
  }
  return values;
}

Format kv_format(const EngineOptions& options, const std::vector<WeightView>& views) {
  if (options.device == "reference") return Format::f32;
  if (options.kv == "auto") {
    bool float_model = std::all_of(views.begin(), views.end(), [](const WeightView& v) { return v.format == Format::f32; });
    return options.float32 || float_model ? Format::f32 : Format::f16;
  }
  if (options.kv == "f16") return Format::f16;
  if (options.kv == "f32") return Format::f32;
  fail("--kv {}: the cache can be f16 or f32 (or auto)", options.kv);
}

}  // namespace

Model load_model(const std::filesystem::path& path, const EngineOptions& options) {
  std::optional<Format> wanted = wanted_format(options);
  Model model;
  model.file = files::ModelFile::open(path);
  model.architecture = &models::architecture_of(*model.file);
  model.spec = model.architecture->read(*model.file);
  std::string device = options.device == "auto" ? "cpu" : options.device;
  model.device = device::make_device(device, {.threads = options.threads, .float32 = options.float32});

  ops::Program program = models::trace(*model.architecture, model.spec, 1, 1);
  std::vector<WeightView> views = collect(model, program);
  name_unused(model, program);
  model.kv_format = kv_format(options, views);
  std::set<std::string> streamed = read_whole(program);
  model.multiplied_weights = multiplied_weights(program);
  int threads = options.threads > 0 ? options.threads : platform::cpu().cores;
  std::map<std::string_view, int> matrices;  // by format
  for (WeightView& view : views) {
    if (wanted) view = quantised(view, *wanted, threads);
    if (view.shape.rank == 2) ++matrices[info(view.format).name];
    model.weight_bytes += view.bytes.size();
    if (streamed.contains(view.name)) model.streamed_bytes += view.bytes.size();
    model.parameters += view.shape.values();
    model.weights.emplace(view.name, model.device->prepare(view));
  }
  if (wanted) {
    std::string formats;
    for (auto [name, count] : matrices) formats += fmt::format("{}{} {}", formats.empty() ? "" : ", ", count, name);
    log::info("--quant {}: the matrices are now {}", options.quantise, formats);
  }
  model.file->will_need();
  return model;
}

ops::Program trace_bucket(const Model& model, int tokens) {
  ops::Program program =
      models::trace(*model.architecture, model.spec, tokens, std::min(tokens, kMaxOutputs));
  return ops::fuse(program, [&](const ops::Program& p, const ops::Op& op) { return model.device->supports(p, op); });
}

}  // namespace troika::engine
