// troika bench ops: single operations through the device's door, compiled once and called again and again as a step
// does it; time of a call, what it moves and computes, and its share of what memory and arithmetic allow.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>

#include "apps/bench_cases.h"
#include "apps/bench_report.h"
#include "apps/verbs.h"
#include "base/error.h"
#include "base/platform.h"
#include "engine/sampler.h"

namespace troika::apps {
namespace {

using nlohmann::ordered_json;

struct Options {
  std::string device = "cpu", shape = "4096x4096", cache = "f16";
  std::vector<std::string> ops{"linear", "attention", "norm", "rope", "activation", "sampling"};
  std::vector<std::string> formats{"f16", "q8_0", "q4_0", "q4_k", "q5_k", "q6_k", "iq4_xs"};
  OpShapes shapes;
  int threads = 0, vocabulary = 151936;
  double seconds = 0.25;
  bool json = false;
};

struct Result {
  std::string op, detail, shape;
  int rows = 1;
  Spread seconds;  // of one operation
  int together = 1;  // in a submission
  double moved_bytes = 0;
  Cost cost;
  Floor floor;

  bool has_share() const { return floor.seconds() > 0; }
  double share() const { return floor.seconds() / seconds.median(); }
};

Format format_named(const std::string& name) {
  auto format = find_format(name);
  if (!format || *format == Format::i32) {
    std::vector<std::string_view> names;
    for (const FormatInfo& f : formats()) {
      if (f.format != Format::i32) names.push_back(f.name);
    }
    fail("there is no weight format '{}'; choose among {}, or all", name, fmt::join(names, ", "));
  }
  return *format;
}

std::vector<Format> wanted_formats(const Options& o) {
  std::vector<Format> wanted;
  for (const std::string& name : o.formats) {
    if (name != "all") {
      wanted.push_back(format_named(name));
      continue;
    }
    for (const FormatInfo& f : formats()) {
      if (f.format != Format::i32) wanted.push_back(f.format);
    }
  }
  return wanted;
}

void check_names(const Options& o) {
  static const std::vector<std::string> known = Options{}.ops;
  for (const std::string& op : o.ops) {
    if (std::find(known.begin(), known.end(), op) == known.end()) {
      fail("--ops {}: there is no such group of operations; choose among {}", op, fmt::join(known, ", "));
    }
  }
}

class Bench {
 public:
  explicit Bench(const Options& o)
      : o_(o), shapes_(o.shapes), device_(device::make_device(o.device, {.threads = o.threads, .isa = o.shapes.isa})) {
    read_shape(o.shape, shapes_);
    check_names(o);
    formats_ = wanted_formats(o);
    shapes_.cache = format_named(o.cache);
    shapes_.device = o.device;
    int threads = o.threads > 0 ? o.threads : platform::cpu().cores;
    limits_ = limits_of(o.device, threads, o.shapes.isa);
    constexpr size_t kCaches = 4;  // their size in copies leaves little of a copy there until its turn
    size_t wanted = std::max(kCaches * last_cache_bytes(), size_t{64} << 20);
    shapes_.rotated_bytes = std::min(wanted, platform::memory().available_bytes / 8);
  }

  void run() {
    print_head();
    for (const std::string& op : o_.ops) {
      if (op == "linear") linear();
      if (op == "attention") tapes(attention_cases(shapes_));
      if (op == "norm") tapes(norm_cases(shapes_));
      if (op == "rope") tapes(rope_cases(shapes_));
      if (op == "activation") tapes(activation_cases(shapes_));
      if (op == "sampling") sampling();
    }
    if (o_.json) print_json();
  }

 private:
  void linear() {
    for (Format format : formats_) {
      if (shapes_.columns % info(format).block_values != 0) {
        fail("--shape {}: rows of {} columns hold no whole blocks of {}, which have {} values", o_.shape,
             shapes_.columns, info(format).name, info(format).block_values);
      }
      PreparedWeights weights;
      for (int copy = 0; copy < linear_copies(format, shapes_); ++copy) {
        weights.push_back(device_->prepare(
            random_weight("w", format, {shapes_.out, shapes_.columns}, static_cast<uint32_t>(copy)),
            {.looked_up = false}));
      }
      tapes(linear_cases(format, shapes_, weights));
    }
  }

  void tapes(const std::vector<OpCase>& cases) {
    for (const OpCase& c : cases) {
      Tape tape(*device_, c.tape);
      if (!tape.supported()) {
        unsupported_.push_back(fmt::format("{} {}", c.op, c.detail));
        continue;
      }
      take({.op = c.op,
            .detail = c.detail,
            .shape = c.shape,
            .rows = c.tape.tokens,
            .seconds = tape.time(o_.seconds),
            .together = tape.together(),
            .moved_bytes = c.moved_bytes,
            .cost = c.cost});
    }
  }

  // On the host, whatever the device: one choice among a row of logits.
  void sampling() {
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0, 2);
    std::vector<float> logits(static_cast<size_t>(o_.vocabulary));
    for (float& l : logits) l = normal(random);
    const struct {
      const char* name;
      engine::SamplingOptions options;
    } kinds[] = {{"greedy", {.temperature = 0}},
                 {"plain", {.seed = 1}},
                 {"top-k 40", {.top_k = 40, .seed = 1}},
                 {"top-k 40, top-p 0.95", {.top_k = 40, .top_p = 0.95f, .seed = 1}},
                 {"top-p 0.95", {.top_p = 0.95f, .seed = 1}}};
    for (const auto& kind : kinds) {
      engine::Sampler sampler(kind.options, {}, o_.vocabulary);
      take({.op = "sampling",
            .detail = kind.name,
            .shape = fmt::format("{}", o_.vocabulary),
            .seconds = time_calls([&] { sampler.pick(logits); }, o_.seconds, 1),
            .moved_bytes = double(logits.size() * sizeof(float))});
    }
  }

  void take(Result result) {
    result.floor = floor_of(result.cost, limits_);
    if (!o_.json) print(result);
    results_.push_back(std::move(result));
  }

  void print_head() const {
    if (o_.json) return;
    fmt::print("{}\n{}\n", device_->info().description, to_text(limits_));
    if (device_->info().is_handed_work) {
      fmt::print("a submission holds short operations many times (\"n\"), each behind a barrier; times are of one\n");
    }
    fmt::print("\n");
    fmt::print("{:<11}{:<21}{:>6}  {:<17}{:>10}  {:>20}{}{:>9}{:>9}  {}\n", "op", "", "rows", "shape", "µs", "min … max",
               times_column("n"), "GB/s", "GOP/s", limits_ ? "share of the limit" : "");
  }

  // How many of it a submission holds, where that may be more than one.
  std::string times_column(std::string_view text) const {
    return device_->info().is_handed_work ? fmt::format("{:>5}", text) : "";
  }

  void print(const Result& r) const {
    double s = r.seconds.median();
    std::string share = r.has_share() ? fmt::format("{:3.0f} % of {}", 100 * r.share(), r.floor.bound()) : "";
    std::string operations = r.cost.operations() > 0 ? fmt::format("{:.1f}", r.cost.operations() / s / 1e9) : "";
    fmt::print("{:<11}{:<21}{:>6}  {:<17}{:>10.2f}  {:>20}{}{:>9.1f}{:>9}  {}\n", r.op, r.detail, r.rows, r.shape,
               s * 1e6, fmt::format("{:.2f} … {:.2f}", r.seconds.least() * 1e6, r.seconds.most() * 1e6),
               times_column(fmt::format("{}", r.together)), r.moved_bytes / s / 1e9, operations, share);
    std::fflush(stdout);
  }

  ordered_json to_json_row(const Result& r) const {
    double s = r.seconds.median();
    return {{"op", r.op},
            {"detail", r.detail},
            {"rows", r.rows},
            {"shape", r.shape},
            {"seconds", to_json(r.seconds)},
            {"in_a_submission", r.together},
            {"moved_bytes_per_s", r.moved_bytes / s},
            {"operations_per_s", r.cost.operations() / s},
            {"memory_bytes_per_s", r.cost.bytes / s},
            {"bound", r.has_share() ? ordered_json(r.floor.bound()) : ordered_json()},
            {"share_of_limit", r.has_share() ? ordered_json(r.share()) : ordered_json()}};
  }

  void print_json() const {
    ordered_json json = {{"machine", machine_json()},
                         {"device", device_->info().name},
                         {"description", device_->info().description},
                         {"limits", to_json(limits_)},
                         {"ops", ordered_json::array()},
                         {"unsupported", unsupported_}};
    for (const Result& r : results_) json["ops"].push_back(to_json_row(r));
    std::puts(json.dump(2).c_str());
  }

  const Options& o_;
  OpShapes shapes_;
  std::vector<Format> formats_;
  std::unique_ptr<device::Device> device_;
  KnownLimits limits_;
  std::vector<Result> results_;
  std::vector<std::string> unsupported_;
};

template <typename T>
CLI::Option* add_list(CLI::App& verb, const char* name, std::vector<T>& values, const char* help) {
  return verb.add_option(name, values, help)->delimiter(',')->allow_extra_args(false);
}

}  // namespace

void add_bench_ops(CLI::App& bench) {
  auto o = std::make_shared<Options>();
  auto* verb = bench.add_subcommand("ops", "Single operations on a device: time, bytes, share of the limit");
  verb->add_option("--device", o->device, "cpu, vulkan (a GPU) or reference (plain and slow)")->envname("TROIKA_DEVICE");
  verb->add_option("--threads", o->threads, "CPU threads; 0: every physical core")
      ->check(CLI::Range(0, 1024))
      ->envname("TROIKA_THREADS");
  verb->add_option("--isa", o->shapes.isa, "the CPU's kernels: scalar, avx2 or avx512; the fastest without it");
  add_list(*verb, "--ops", o->ops, "groups of operations");
  add_list(*verb, "--formats", o->formats, "weight formats: q4_k,q6_k,…, or all");
  add_list(*verb, "--rows", o->shapes.rows, "rows of a call: tokens of a step")->check(CLI::Range(1, 4096));
  verb->add_option("--shape", o->shape, "of a weight, rows x columns; other operations take its columns");
  add_list(*verb, "--depth", o->shapes.depths, "tokens in the cache before attention")->check(CLI::Range(0, 1 << 20));
  verb->add_option("--kv", o->cache, "number format of the cache")->envname("TROIKA_KV");
  verb->add_option("--vocabulary", o->vocabulary, "logits that sampling chooses among")->check(CLI::Range(1, 1 << 24));
  verb->add_option("--seconds", o->seconds, "measured time of each line")->check(CLI::Range(0.0, 60.0));
  verb->add_flag("--json", o->json, "as JSON");
  verb->callback([o] { Bench(*o).run(); });
}

}  // namespace troika::apps
