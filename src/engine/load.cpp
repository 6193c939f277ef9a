#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/platform.h"
#include "engine/cache_plan.h"
#include "engine/devices.h"
#include "engine/model.h"
#include "engine/weights.h"
#include "models/slices.h"

namespace troika::engine {
namespace {

std::string written_formats() {
  std::string names;
  for (const FormatInfo& f : formats()) {
    if (f.pack && f.block_values > 1) names += fmt::format("{}{}", names.empty() ? "" : ", ", f.name);
  }
  return names;
}

// The block format that --quant names.
std::optional<Format> wanted_format(const EngineOptions& options) {
  if (options.quantise.empty()) return std::nullopt;
  auto format = find_format(options.quantise);
  if (!format || info(*format).block_values == 1) {
    fail("--quant {}: there is no such block format; choose one of {}", options.quantise, written_formats());
  }
  if (!info(*format).pack) {
    fail("--quant {}: Troika reads this format but does not write it; choose one of {}", options.quantise,
         written_formats());
  }
  return format;
}

// The wanted format or, where its blocks do not divide the rows, q8_0: q4_k wants 256 values, q8_0 only 32.
std::optional<Format> fitting_format(Format wanted, int columns) {
  for (Format candidate : {wanted, Format::q8_0}) {
    if (columns % info(candidate).block_values == 0) return candidate;
  }
  return std::nullopt;
}

// What a weight is rounded to: float matrices to the wanted block format; other weights stay as they are.
Format rounded_format(const WeightView& view, std::optional<Format> wanted) {
  bool is_float = view.format == Format::f32 || view.format == Format::f16 || view.format == Format::bf16;
  if (!wanted || !is_float || view.shape.rank != 2) return view.format;
  return fitting_format(*wanted, view.shape.columns()).value_or(view.format);
}

// Rounds a weight, rows in parallel.
WeightView rounded(const WeightView& view, Format format, int threads) {
  if (format == view.format) return view;
  const FormatInfo& from = info(view.format);
  const FormatInfo& to = info(format);
  size_t columns = view.shape.columns(), rows = view.shape.rows();
  size_t in_bytes = row_bytes(view.format, columns), out_bytes = row_bytes(format, columns);
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
  return {view.name, format, view.shape, *storage, storage};
}

void name_unused(const Model& model, const std::vector<models::FoundWeight>& weights) {
  std::set<std::string> used{"rope_freqs.weight"};  // read as numbers
  for (const models::FoundWeight& w : weights) used.insert(w.name);
  if (model.architecture->spare) {
    for (const std::string& name : model.architecture->spare(model.spec)) {
      auto found = models::find_weight(*model.file, model.architecture->names, name, model.spec.head_dim);
      if (found) used.insert(found->name);
    }
  }
  std::vector<std::string> unused;
  for (const std::string& name : model.file->names()) {
    if (!used.contains(name) && !(model.tower && model.tower->owns(name))) unused.push_back(name);
  }
  if (unused.empty()) return;
  for (const std::string& name : unused) {
    if (!name.ends_with(".bias") || !used.contains(name.substr(0, name.size() - 5) + ".weight")) continue;
    fail("{}: {} is a bias that Troika does not compute with in this family; the model's text would be wrong",
         model.file->path().string(), name);
  }
  log::warn("{} tensors of {} are not used: {}", unused.size(), model.file->path().string(), first_of(unused, 4, ", "));
}

// What an op reads of a weight: all of it or, in a slice of a model, some rows and of these the first columns. An
// embedding that is only looked up is not read in this sense.
struct Read {
  const ops::Op* op;
  std::string_view weight;
  int64_t first, rows, columns;
};

std::vector<Read> reads(const ops::Program& program) {
  std::vector<Read> all;
  for (const ops::Op& op : program.ops) {
    if (op.kind == ops::OpKind::embed) continue;
    int first = std::holds_alternative<ops::LinearParams>(op.params) ? op.as<ops::LinearParams>().first : 0;
    for (ops::Tensor t : op.in) {
      const ops::TensorInfo& weight = program[t];
      if (weight.role != ops::Role::weight) continue;
      Read read{&op, weight.name, 0, weight.shape.rows(), weight.shape.columns()};
      if (ops::multiplies(op) && weight.shape.rank == 2) {
        read = {&op, weight.name, first, program[op.out[0]].shape.columns(), program[op.in[0]].shape.columns()};
      }
      all.push_back(read);
    }
  }
  return all;
}

// Counts what a step of the chosen slice reads.
void count_reads(Model& model, const ops::Program& program) {
  std::set<std::pair<std::string_view, int64_t>> seen;
  for (const Read& read : reads(program)) {
    Format format = model.formats.find(read.weight)->second;
    const bool of_each_token = program[read.op->in[0]].extent == ops::Extent::tokens;
    if (ops::multiplies(*read.op) && of_each_token) model.multiplied_weights += read.rows * read.columns;
    if (!seen.emplace(read.weight, read.first).second) continue;
    if (read.op->kind == ops::OpKind::linear_where) continue;  // most of its rows are not read
    size_t bytes = size_t(read.rows) * row_bytes(format, read.columns);
    if (read.op->kind == ops::OpKind::moe) {  // a token reads the experts that it is sent to
      int64_t used = read.op->as<ops::MoeParams>().used, experts = program[read.op->in[1]].shape.columns();
      if (of_each_token) model.multiplied_weights += read.rows * read.columns * used / experts;
      bytes = bytes * size_t(used) / size_t(experts);
    }
    model.streamed_bytes += bytes;
  }
}

// Of one token and of as many as pins begin to hold with: each as steps of its kind are placed.
std::vector<ops::Program> tapes_of(const Model& model, const models::ModelSpec& slice) {
  std::set<int> tokens{1};
  for (const plan::Pin& pin : model.pins) tokens.insert(pin.least_tokens);
  std::vector<ops::Program> tapes;
  for (int count : tokens) tapes.push_back(models::trace(*model.architecture, slice, count, 1));
  return tapes;
}

// Refuses before anything is read what would fail after minutes, and for others too.
void check_room(const Model& model) {
  std::set<std::pair<int, std::string>> seen;
  std::vector<size_t> bytes(model.devices.size(), 0);
  for (const ops::Program& tape : tapes_of(model, model.spec)) {
    const std::vector<int> placement = plan::place(tape, model.devices, model.pins);
    for (size_t i = 0; i < placement.size(); ++i) {
      for (ops::Tensor t : tape.ops[i].in) {
        const ops::TensorInfo& weight = tape[t];
        if (weight.role != ops::Role::weight || !seen.emplace(placement[i], weight.name).second) continue;
        bytes[size_t(placement[i])] += bytes_of(model.formats.find(weight.name)->second, weight.shape);
      }
    }
  }
  for (size_t d = 0; d < model.devices.size(); ++d) {
    const device::DeviceInfo& device = model.devices[d]->info();
    if (!device.free_bytes || bytes[d] <= *device.free_bytes) continue;
    fail("{} has {} MB of weights, but only {} MB are free on {}; use a smaller quantisation, or --device cpu",
         model.file->path().string(), bytes[d] / 1'000'000, *device.free_bytes / 1'000'000, device.description);
  }
}

// Brings the weights to the devices in the order of the file, so that a disk is read from front to back, and lets go of
// each before the next.
void hold_weights(Model& model, std::vector<models::FoundWeight> weights, const EngineOptions& options,
                  const LoadProgress& progress) {
  std::sort(weights.begin(), weights.end(), [](const models::FoundWeight& a, const models::FoundWeight& b) {
    return std::less<>()(a.view.bytes.data(), b.view.bytes.data());
  });
  std::vector<std::string> names;
  std::map<std::string, WeightView> views;
  for (auto& [view, name] : weights) {
    names.push_back(view.name);
    views.emplace(names.back(), std::move(view));
  }
  const int threads = options.threads > 0 ? options.threads : platform::cpu().cores;
  const auto bring = [&](const std::string& name) {
    auto found = views.extract(name);  // the first time
    WeightView view = found ? std::move(found.mapped())
                            : models::find_weight(*model.file, model.architecture->names, name, model.spec.head_dim)->view;
    return rounded(view, model.formats.find(name)->second, threads);
  };
  size_t bytes_in_place = 0;
  const auto held = [&](const WeightView& view) {
    bytes_in_place += bytes_of(view.format, view.shape);
    if (progress) progress(std::min(1.0, double(bytes_in_place) / double(model.weight_bytes)));
  };
  const HeldTapes tapes{.own = tapes_of(model, model.slice), .others = tapes_of(model, model.spec)};
  model.weights = HeldWeights(model.devices, model.pins, tapes, names, bring, held);
  // What a device does with the whole of a weight, it may not do with the part that another slice takes.
  if (model.spec.gemma3n && model.devices.size() > 1) {
    model.weights.hold_all(static_cast<int>(model.devices.size()) - 1, model.devices, names, bring);
  }
}

void prepare_weights(Model& model, std::vector<models::FoundWeight> weights, const EngineOptions& options,
                     const LoadProgress& progress) {
  ops::Program whole = models::trace(*model.architecture, model.spec, 1, 1);
  bool wanted = !options.quantise.empty();
  WeightUses uses(whole);
  std::map<std::string_view, int> matrices;  // by format
  std::map<std::string_view, size_t> bytes_by_format;
  int unrounded = 0;
  for (const auto& [view, name] : weights) {
    bool table = !uses.of(view.name).multiplied;
    Format format = model.formats.find(view.name)->second;
    size_t bytes = bytes_of(format, view.shape);
    model.weight_bytes += bytes;
    bytes_by_format[info(format).name] += bytes;
    if (table) model.looked_up_bytes += bytes;
    model.parameters += view.shape.values();
    if (view.shape.rank != 2) continue;
    ++matrices[info(format).name];
    unrounded += wanted && !table && info(format).block_values == 1;
  }
  check_room(model);
  const auto main = std::ranges::max_element(bytes_by_format, {}, [](const auto& row) { return row.second; });
  if (main != bytes_by_format.end()) model.main_format = main->first;
  model.slice = slice_of(model, options.slice);
  hold_weights(model, std::move(weights), options, progress);
  if (wanted) {
    std::string formats;
    for (auto [name, count] : matrices) formats += fmt::format("{}{} {}", formats.empty() ? "" : ", ", count, name);
    log::info("--quant {}: the matrices are now {}", options.quantise, formats);
    if (unrounded > 0) {
      log::warn("--quant {}: {} matrices stay as they are, since their rows are no multiple of a block (256 or 32 "
                "values)", options.quantise, unrounded);
    }
  }
}

}  // namespace

Formats loaded_formats(const std::vector<models::FoundWeight>& weights, const ops::Program& whole,
                       const EngineOptions& options) {
  std::optional<Format> wanted = wanted_format(options);
  WeightUses uses(whole);
  Formats formats;
  for (const auto& [view, name] : weights) {
    bool table = !uses.of(view.name).multiplied;  // stays in the file's mapping
    formats.emplace(view.name, table ? view.format : rounded_format(view, wanted));
  }
  return formats;
}

size_t most_bytes(const ops::Program& whole, const Formats& formats, std::span<const std::string> devices,
                  const std::function<bool(const ops::Op&)>& counts) {
  std::map<std::string_view, size_t> bytes;  // by weight
  for (const ops::Op& op : whole.ops) {
    if (op.kind == ops::OpKind::embed || !counts(op)) continue;
    for (ops::Tensor t : op.in) {
      const auto format = formats.find(whole[t].name);
      if (whole[t].role != ops::Role::weight || format == formats.end()) continue;
      size_t& most = bytes[whole[t].name];
      for (const std::string& device : devices)
        most = std::max(most, device::most_bytes(device, op.kind, format->second, whole[t].shape));
    }
  }
  size_t sum = 0;
  for (const auto& [name, most] : bytes) sum += most;
  return sum;
}

Format kv_format(const EngineOptions& options, const std::vector<models::FoundWeight>& weights, int head_dim) {
  const std::vector<std::string> devices = device_list(options.device);
  if (std::ranges::count(devices, "reference") > 0) return Format::f32;
  if (options.kv == "auto") {
    bool float_model = std::all_of(weights.begin(), weights.end(),
                                   [](const models::FoundWeight& w) { return w.view.format == Format::f32; });
    return options.float32 || float_model ? Format::f32 : Format::f16;
  }
  return cache_format(options.kv, head_dim);
}

void open_devices(Model& model, const EngineOptions& options) {
  const ops::Program whole = models::trace(*model.architecture, model.spec, 1, 1);
  std::vector<std::string>& names = model.device_names;
  names = device_list(options.device);
  std::string place = options.place;
  const auto read_pins = [&] {
    model.pins = plan::parse_pins(place, names, model.spec.layers);
    for (const plan::Pin& pin : model.pins) {
      if (pin.least_tokens > kMostTokens) fail("--place {}: a step has at most {} tokens", pin.text, kMostTokens);
    }
  };
  read_pins();
  const auto is_done = [&](const ops::Op& op) {
    return std::ranges::any_of(model.devices, [&](const auto& device) { return device->supports(whole, op); });
  };
  // Where no pin says otherwise, it goes to the first that does it.
  const auto goes_to = [&](size_t d, const ops::Op& op) {
    bool is_elsewhere = false;
    for (const plan::Pin& pin : model.pins) {
      if (!pin.names(op)) continue;
      if (pin.device == int(d)) return true;
      is_elsewhere |= pin.least_tokens == 1;
    }
    return !is_elsewhere && !is_done(op);
  };
  for (size_t d = 0; d < names.size();) {
    const auto is_on = [&](const plan::Pin& pin) { return pin.device == int(d); };
    const bool is_pinned = std::ranges::any_of(model.pins, is_on);
    if (d + 1 == names.size() && !is_pinned && std::ranges::all_of(whole.ops, is_done)) break;
    try {
      const auto its = [&](const ops::Op& op) { return goes_to(d, op); };
      const size_t weight_bytes = most_bytes(whole, model.formats, {&names[d], 1}, its);
      model.devices.push_back(device::make_device(names[d], {.threads = options.threads,
                                                             .float32 = options.float32,
                                                             .halves = options.halves,
                                                             .isa = options.isa,
                                                             .repack = options.repack,
                                                             .file_bytes = model.file->bytes(),
                                                             .weight_bytes = weight_bytes,
                                                             .tune = options.tune,
                                                             .pin = options.pin}));
      ++d;
    } catch (const device::DeviceAbsent& absent) {
      if (!options.may_lack_devices) throw;
      log::warn("{}; going on without it", absent.what());
      place = plan::without_device(place, names[d]);
      names.erase(names.begin() + ptrdiff_t(d));
      read_pins();
    }
  }
}

Model load_model(const std::filesystem::path& path, const EngineOptions& options, const LoadProgress& progress) {
  wanted_format(options);  // before any work
  auto start = std::chrono::steady_clock::now();
  Model model;
  model.file = files::ModelFile::open(path);
  model.architecture = &models::architecture_of(*model.file);
  model.spec = model.architecture->read(*model.file);
  ops::Program program = models::trace(*model.architecture, model.spec, 1, 1);
  std::vector<models::FoundWeight> weights =
      find_weights(*model.file, model.architecture->names, model.spec.head_dim, program);
  model.formats = loaded_formats(weights, program, options);
  open_devices(model, options);
  if (options.sees) {
    auto [tower, why_blind] = find_tower(*model.file, model.spec, model.devices, options.mmproj, model.pins);
    model.tower = std::move(tower);
    model.why_blind = std::move(why_blind);
    name_unused(model, weights);  // else whoever sees does
  }
  model.kv_format = kv_format(options, weights, model.spec.head_dim);
  prepare_weights(model, std::move(weights), options, progress);
  count_reads(model, models::trace(*model.architecture, model.slice, 1, 1));
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  size_t copied = 0;
  for (const auto& device : model.devices) copied += device->info().weight_bytes;
  log::debug("{} MB of weights in {:.2f} s, {} MB of them copied by the devices", model.weight_bytes / 1'000'000,
             seconds.count(), copied / 1'000'000);
  if (model.devices.size() > 1) log::info("{}", device_text(model));
  return model;
}

models::ModelSpec slice_of(const Model& model, std::string_view slice) {
  models::ModelSpec cut = models::sliced(model.spec, slice);
  ops::Program program = models::trace(*model.architecture, cut, 1, 1);
  for (const ops::Op& op : program.ops) {
    if (!ops::multiplies(op)) continue;
    const ops::TensorInfo& weight = program[op.in[1]];
    int depth = program[op.in[0]].shape.columns();
    const FormatInfo& format = info(model.formats.find(weight.name)->second);
    if (depth < weight.shape.columns() && depth % format.block_values != 0) {
      fail("the slice cuts {} after {} values, but its {} blocks hold {}: choose a multiple", weight.name, depth,
           format.name, format.block_values);
    }
  }
  return cut;
}

Tape trace_bucket(const Model& model, int tokens) { return trace_bucket(model, model.slice, tokens); }

Tape trace_bucket(const Model& model, const models::ModelSpec& slice, int tokens) {
  ops::Program program = models::trace(*model.architecture, slice, tokens, std::min(tokens, kMaxOutputs));
  return place_tape(program, model.devices, model.pins, model.weights);
}

std::string device_text(const Model& model) {
  std::string text;
  for (const ops::Program& tape : tapes_of(model, model.slice)) {
    if (!text.empty()) text += fmt::format("; from {} tokens on ", tape.tokens);
    const Tape placed = place_tape(tape, model.devices, model.pins, model.weights);
    text += plan::summary(placed.program, placed.placement, model.devices);
  }
  return text;
}

}  // namespace troika::engine
