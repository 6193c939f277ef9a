#include "apps/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <thread>

#include "apps/bench_cases.h"
#include "apps/bench_report.h"
#include "apps/bench_tape.h"
#include "apps/machine_limits.h"
#include "base/error.h"
#include "base/platform.h"
#include "device/device.h"

namespace troika::apps {
namespace {

using plan::Figure;
using plan::Source;
using plan::Speed;

constexpr Format kUsualFormats[] = {Format::f16, Format::q8_0, Format::q6_k, Format::q5_0, Format::q4_k, Format::q4_0};
// A layer's smaller matrices, its middle ones, and the MLP's of a 7B.
constexpr std::string_view kUsualShapes[] = {"1024x1024", "4096x4096", "14336x4096"};
constexpr int kRows[] = {1, 4, 8, 32, 512};
constexpr int kArrayRows[] = {1, 32, 256, 512};  // of a device that only multiplies, in large blocks
constexpr double kLongProduct = 0.5;  // seconds; beside one that takes longer, larger matrices are left out
constexpr int kDepth = 2048;        // of the cache behind which attention is measured
constexpr int kLayerWidth = 64;     // of layers of which nothing but their ops counts
constexpr int kLayerOps = 15;
constexpr size_t kCopied = size_t{64} << 20;

Figure measured(double value, std::string from = "bench calibrate") { return {value, Source::measured, std::move(from)}; }

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::vector<Format> formats_of(const CalibrationOptions& o) {
  if (o.formats.empty()) return {std::begin(kUsualFormats), std::end(kUsualFormats)};
  std::vector<Format> formats;
  for (const std::string& name : o.formats) {
    const auto format = find_format(name);
    if (!format) fail("--formats {}: there is no such format; `troika bench ops --help` lists them", name);
    formats.push_back(*format);
  }
  return formats;
}

// A device under measurement.
class Calibrated {
 public:
  Calibrated(std::string name, const CalibrationOptions& o)
      : device_(device::make_device(name, {.threads = o.threads, .isa = o.isa, .tune = true})), name_(std::move(name)), o_(o) {
    if (device_->info().is_simulated) fail("--devices {}: it is simulated, so its speed says nothing of the real one's", name_);
    constexpr size_t kCaches = 4;  // their size in copies leaves little of a copy there until its turn
    const OpShapes any{.rows = {std::begin(kRows), std::end(kRows)},
                       .depths = {kDepth},
                       .device = name_,
                       .isa = o.isa,
                       .rotated_bytes = std::min(std::max(kCaches * last_cache_bytes(), size_t{64} << 20),
                                                 platform::memory().available_bytes / 8)};
    std::vector<std::string> shapes = o.shapes;
    if (shapes.empty()) shapes.assign(std::begin(kUsualShapes), std::end(kUsualShapes));
    for (const std::string& shape : shapes) read_shape(shape, sizes_.emplace_back(any));
    if (only_multiplies()) {
      for (OpShapes& size : sizes_) size.rows.assign(std::begin(kArrayRows), std::end(kArrayRows));
    }
    std::ranges::sort(sizes_, {}, weights_of);
    const auto same = std::ranges::unique(sizes_, {}, weights_of);
    sizes_.erase(same.begin(), same.end());
  }

  device::Device& device() { return *device_; }
  const std::string& name() const { return name_; }

  plan::DeviceCosts costs(const std::function<void(std::string_view)>& progress) {
    plan::DeviceCosts costs{.name = name_, .description = device_->info().description};
    costs.weight_bits = weight_bits();
    if (only_multiplies()) {
      alone_s_ = alone_s();
      costs.submit_s = measured(alone_s_, "a product so narrow that little else counts");
      costs.launch_s = measured(0, "part of a submission");
      costs.read_bytes_per_s = measured(0);  // what products read of one row
      costs.watts = {0, Source::assumed, "unknown"};
      add_products(costs, progress);
      return costs;
    }
    progress(fmt::format("{}: memory", name_));
    const KnownLimits limits = limits_of(name_, o_.threads > 0 ? o_.threads : platform::cpu().cores, o_.isa);
    if (!limits) fail("--devices {}: it does not measure its limits; choose cpu or vulkan", name_);
    costs.read_bytes_per_s = measured(limits->read_bytes_per_s);
    matrix_ = std::max({limits->peaks.int8, limits->peaks.bits16, limits->peaks.fp32});
    costs.submit_s = measured(submit_s());
    costs.launch_s = measured(launch_s());
    costs.watts = {0, Source::assumed, "unknown"};
    alone_s_ = alone_s();
    add_products(costs, progress);
    progress(fmt::format("{}: attention, rows", name_));
    costs.speeds.push_back(attention());
    costs.speeds.push_back(rows(costs.launch_s.value));
    return costs;
  }

  double matrix_operations_per_s() const { return matrix_; }

  // An NPU: others do all the rest.
  bool only_multiplies() const {
    ops::Builder b(1, 1);
    const ops::Program program = b.finish(b.pick_rows(b.scale(b.features(kLayerWidth), 2)));
    return std::ranges::none_of(program.ops, [&](const ops::Op& op) { return device_->supports(program, op); });
  }

  // Products of one token: nearly nothing but reading memory. `prepared` outlives it.
  std::unique_ptr<Tape> reading(PreparedWeights& prepared) {
    prepared = weights(Format::q8_0, sizes_.back());
    OpShapes one = sizes_.back();
    one.rows = {1};
    return std::make_unique<Tape>(*device_, linear_cases(Format::q8_0, one, prepared).front().tape);
  }

 private:
  void add_products(plan::DeviceCosts& costs, const std::function<void(std::string_view)>& progress) {
    for (Format format : formats_of(o_)) {
      progress(fmt::format("{}: products with {}", name_, info(format).name));
      Speed speed = products(format, costs.read_bytes_per_s);
      if (!speed.sizes.empty()) costs.speeds.push_back(std::move(speed));
    }
  }

  // Of a value of a matrix in few bits, once the device holds it.
  int weight_bits() const {
    const Shape matrix{4096, 4096};
    const size_t held = device::most_bytes(name_, ops::OpKind::linear, Format::q4_0, matrix);
    return held > bytes_of(Format::q4_0, matrix) ? int(8 * held / size_t(matrix.values())) : 1;
  }

  PreparedWeights weights(Format format, const OpShapes& shapes) {
    PreparedWeights all;
    for (int copy = 0; copy < linear_copies(format, shapes); ++copy) {
      all.push_back(
          device_->prepare(random_weight("w", format, {shapes.out, shapes.columns}, uint32_t(copy)), {.looked_up = false}));
    }
    return all;
  }

  std::optional<double> time(const OpCase& c) {
    Tape tape(*device_, c.tape);
    return tape.supported() ? std::optional(tape.time(o_.seconds).median()) : std::nullopt;
  }

  static double weights_of(const OpShapes& s) { return double(s.out) * s.columns; }

  // Without what a product takes however small it is: the planner adds an op's launch, which is that of a whole layer's ops.
  double without_launch(double seconds) const { return std::max(seconds - alone_s_, seconds / 10); }

  // `read`: of memory. Products of one row may read faster than the loop that measures it; then that was no limit.
  Speed products(Format format, Figure& read) {
    Speed speed{std::string(info(format).name), {}, Source::measured, "weights of"};
    for (const OpShapes& shapes : sizes_) {
      const double bytes = double(row_bytes(format, shapes.columns)) * shapes.out;
      if (!speed.sizes.empty() && bytes > double(platform::memory().available_bytes) / 4) break;
      Speed::Size size{weights_of(shapes), {}};
      double longest = 0;
      const PreparedWeights prepared = weights(format, shapes);
      for (const OpCase& c : linear_cases(format, shapes, prepared)) {
        const auto s = time(c);
        if (!s) return {};
        longest = std::max(longest, *s);
        const double work_s = without_launch(*s);
        size.points.push_back({c.tape.tokens, c.cost.operations() / work_s});
        const double from_memory = only_multiplies() ? c.moved_bytes : c.cost.bytes;  // an NPU keeps nothing
        if (c.tape.tokens == 1 && from_memory / work_s > read.value) {
          read = measured(from_memory / work_s, fmt::format("products with {}, one row", speed.work));
        }
      }
      speed.from += fmt::format("{} {} x {}", speed.sizes.empty() ? "" : ",", shapes.out, shapes.columns);
      speed.sizes.push_back(std::move(size));
      if (longest > kLongProduct) break;
    }
    return speed;
  }

  // A token and 8 users behind a filled cache, a prompt from its beginning.
  Speed attention() {
    Speed::Size any;
    std::map<int, double> by_rows;
    for (const OpCase& c : attention_cases(sizes_.back())) {
      if (by_rows.contains(c.tape.tokens)) continue;  // the prompt behind a cache
      if (const auto s = time(c)) by_rows[c.tape.tokens] = c.cost.attention / *s;
    }
    for (auto [rows, per_s] : by_rows) any.points.push_back({rows, per_s});
    if (any.points.empty()) fail("{}: it has no attention, so it cannot run a model", name_);
    return {"attention", {any}, Source::measured,
            fmt::format("32 heads on 8 of 128, {} tokens in the cache, a prompt of 512 behind none", kDepth)};
  }

  // Norms, rotations and activations, by what they read and write.
  Speed rows(double launch_s) {
    Speed::Size any;
    std::map<int, std::pair<double, double>> sums;  // bytes and seconds, by rows
    OpShapes ends = sizes_.back();
    ends.rows = {kRows[0], kRows[std::size(kRows) - 1]};
    for (const auto& cases : {norm_cases(ends), rope_cases(ends), activation_cases(ends)}) {
      for (const OpCase& c : cases) {
        if (c.op != "add_norm" && c.op != "rope" && c.detail != "silu") continue;
        const auto s = time(c);
        if (!s) continue;
        auto& [bytes, seconds] = sums[c.tape.tokens];
        bytes += c.moved_bytes;
        seconds += std::max(*s - launch_s, *s / 10);  // launches are counted apart
      }
    }
    for (auto [count, sum] : sums) any.points.push_back({count, sum.first / sum.second});
    if (any.points.empty()) fail("{}: it does no work on rows, so it cannot run a model", name_);
    return {"rows", {any}, Source::measured, fmt::format("add_norm, rope and gated, rows of {}", ends.columns)};
  }

  PreparedWeights narrow_weight() {
    PreparedWeights one;
    one.push_back(device_->prepare(random_weight("w", Format::q8_0, {kLayerWidth, kLayerWidth}, 0), {.looked_up = false}));
    return one;
  }

  // Of a product on its own so narrow that little else counts.
  double alone_s() {
    const OpShapes narrow{.out = kLayerWidth, .columns = kLayerWidth, .rows = {1}, .device = name_, .isa = o_.isa};
    const PreparedWeights one = narrow_weight();
    return time(linear_cases(Format::q8_0, narrow, one).front()).value_or(0);
  }

  // An op's share of a layer so narrow that little else counts; joined as the device joins them.
  double launch_s() {
    const PreparedWeights one = narrow_weight();
    auto table = std::make_shared<ops::RopeTable>();
    table->inverse_frequency.assign(kLayerWidth / 2, 0.1f);
    Tape tape(*device_, {.tokens = 1,
                         .columns = kLayerWidth,
                         .kv_heads = 1,
                         .head_dim = kLayerWidth,
                         .timed = [&](ops::Builder& b, const std::vector<ops::Tensor>& in, int) { layer(b, in[0], table); },
                         .weights = &one});
    if (!tape.supported()) fail("{}: it cannot run a layer of a model", name_);
    return tape.time(o_.seconds).median() / kLayerOps;
  }

  static void layer(ops::Builder& b, ops::Tensor x, const std::shared_ptr<const ops::RopeTable>& table) {
    const auto product = [&](ops::Tensor of) { return b.linear(of, "w", kLayerWidth); };
    ops::Tensor h = b.rms_norm(x, "norm", 1e-6f);
    ops::Tensor q = b.rope(product(h), 1, table), k = b.rope(product(h), 1, table), v = product(h);
    b.kv_write(0, k, v);
    h = product(b.attend(q, {.cache = 0, .heads = 1, .scale = 0.1f}));
    x = b.add(x, h);
    h = b.rms_norm(x, "norm", 1e-6f);
    b.add(x, product(b.gated(ops::Activation::silu, product(h), product(h))));
  }

  // Handing over a stretch with next to nothing in it.
  double submit_s() {
    ops::Builder b(1, 1);
    const ops::Program program = b.finish(b.pick_rows(b.scale(b.features(kLayerWidth), 2)));
    ops::StepInputs inputs(1, 1, 1, 1, 1, kLayerWidth);
    inputs.place(inputs.tokens++, 0, 0, 0);
    std::vector<size_t> offsets;
    for (size_t i = 0; i < program.tensors.size(); ++i) offsets.push_back(i * kLayerWidth * sizeof(float));
    const std::vector<std::shared_ptr<device::Weight>> none(program.tensors.size());
    auto executable = device_->compile({.program = &program, .begin = 0, .end = program.ops.size(),
                                        .arena = device_->allocate(program.tensors.size() * kLayerWidth * sizeof(float)),
                                        .offsets = offsets, .weights = none, .inputs = &inputs});
    return time_calls([&] { executable->submit(), executable->wait(); }, o_.seconds, 1).median();
  }

  std::unique_ptr<device::Device> device_;
  std::string name_;
  const CalibrationOptions& o_;
  std::vector<OpShapes> sizes_;  // by the size of the weights
  double alone_s_ = 0;
  double matrix_ = 0;
};

// The share of its speed that `one` loses while `other` reads memory as fast as it can.
double slowed(Calibrated& one, Calibrated& other, double seconds) {
  PreparedWeights mine, others;
  const auto tape = one.reading(mine), noise = other.reading(others);
  const double alone = tape->time(seconds).median();
  std::atomic<bool> ends = false;
  double together = 0;
  {
    std::jthread busy([&] { while (!ends) noise->time(seconds / 10); });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    together = tape->time(seconds).median();
    ends = true;
  }
  return std::clamp(1 - alone / together, 0.0, 0.99);
}

Figure copies(device::Device& from, device::Device& to) {
  auto a = from.allocate(kCopied), b = to.allocate(kCopied);
  if (!a->host() || !b->host()) return {12e9, Source::assumed, "a bus of 16 lanes; the host does not see the device's memory"};
  if (from.import({a->host(), 4096}) && to.import({a->host(), 4096})) return measured(0, "both read the same memory");
  const auto begin = std::chrono::steady_clock::now();
  std::memcpy(b->host(), a->host(), kCopied);
  return measured(double(kCopied) / seconds_since(begin));
}

std::vector<std::string> usable_devices(const CalibrationOptions& o) {
  for (size_t i = 1; i < o.devices.size(); ++i) {
    if (std::ranges::count(o.devices, o.devices[i]) > 1) fail("--devices: {} is named twice", o.devices[i]);
  }
  if (!o.devices.empty()) return o.devices;
  std::vector<std::string> names{"cpu"};
  try {
    const auto gpu = device::make_device("vulkan", {});
    if (gpu->info().description.find("llvmpipe") == std::string::npos) names.insert(names.begin(), "vulkan");
  } catch (const Error&) {  // there is none
  }
  try {
    if (!device::make_device("npu", {})->info().is_simulated) names.insert(names.end() - 1, "npu");
  } catch (const Error&) {  // nor is there one
  }
  return names;
}

}  // namespace

plan::Memory memory_of(const platform::Memory& system, const device::DeviceInfo* gpu) {
  const double total = double(system.total_bytes), of_gpu = gpu ? double(gpu->memory_bytes) : 0;
  const bool has_card = gpu && gpu->has_own_memory;
  return {.bytes = measured(total),
          .gtt = measured(has_card ? 0 : std::min(of_gpu, total), "what the GPU may map"),
          .carved = measured(has_card ? of_gpu : 0, "the GPU's own"),
          .reserved = measured(double(system.total_bytes - system.available_bytes), "what was in use")};
}

plan::Hardware calibrate(const CalibrationOptions& o, const std::function<void(std::string_view)>& progress) {
  plan::Hardware machine{.name = "this",
                         .description = fmt::format("{}, {} cores", platform::cpu().name, platform::cpu().cores)};
  const platform::Memory system = platform::memory();
  machine.memory = memory_of(system, nullptr);
  std::vector<std::unique_ptr<Calibrated>> devices;
  double matrix = 0, read = 0;
  for (const std::string& name : usable_devices(o)) {
    Calibrated& device = *devices.emplace_back(std::make_unique<Calibrated>(name, o));
    machine.devices.push_back(device.costs(progress));
    matrix = std::max(matrix, device.matrix_operations_per_s());
    read = std::max(read, machine.devices.back().read_bytes_per_s.value);
    if (name == "vulkan") machine.memory = memory_of(system, &device.device().info());
  }
  for (auto& from : devices) {
    for (auto& to : devices) {
      if (from == to) continue;
      progress(fmt::format("{} while {} works", from->name(), to->name()));
      machine.pairs.push_back(
          {from->name(), to->name(), copies(from->device(), to->device()), measured(slowed(*from, *to, o.seconds))});
    }
  }
  machine.bounds = {measured(read, "of the fastest device"), measured(matrix, "the highest peak of a device")};
  return machine;
}

plan::Hardware limits_as_machine(int threads) {
  const Limits limits = measure_limits(threads > 0 ? threads : platform::cpu().cores);
  const std::string peak = "the peak: real kernels are slower";
  plan::DeviceCosts cpu{.name = "cpu",
                        .description = fmt::format("{}, {}", platform::cpu().name, limits.of),
                        .read_bytes_per_s = measured(limits.read_bytes_per_s, "bench limits"),
                        .submit_s = {5e-6, Source::assumed, "waking the threads"},
                        .launch_s = {5e-6, Source::assumed, "a barrier of the threads"},
                        .watts = {0, Source::assumed, "unknown"}};
  cpu.speeds = {plan::flat_speed("q4_0", limits.peaks.int8, Source::measured, peak),
                plan::flat_speed("f16", limits.peaks.fp32, Source::measured, peak),
                plan::flat_speed("attention", limits.peaks.fp32, Source::measured, peak),
                plan::flat_speed("rows", limits.read_bytes_per_s, Source::assumed, "as fast as memory is read")};
  plan::Hardware machine{.name = "this", .description = cpu.description, .devices = {cpu},
                         .memory = memory_of(platform::memory(), nullptr)};
  machine.bounds = {cpu.read_bytes_per_s, measured(limits.peaks.int8, "bench limits")};
  return machine;
}

}  // namespace troika::apps
