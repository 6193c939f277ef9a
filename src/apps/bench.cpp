// troika bench MODEL: how fast a model is loaded, reads prompts and generates, alone, for several users and behind a
// filled cache; medians, each with its share of what this machine's memory and arithmetic allow.
#include <CLI/CLI.hpp>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "apps/auto_devices.h"
#include "apps/bench_energy.h"
#include "apps/bench_predict.h"
#include "apps/bench_report.h"
#include "apps/bench_speed.h"
#include "apps/bench_work.h"
#include "apps/model_options.h"
#include "apps/printable.h"
#include "apps/verbs.h"
#include "base/error.h"
#include "base/platform.h"
#include "engine/devices.h"

namespace troika::apps {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::ordered_json;

struct Options {
  ModelOptions model;
  std::vector<int> prompt{512}, generate{64}, users{1}, depth{0};
  int repeats = 3;
  bool predict = false, json = false;
};

struct Test {
  bool prompt;  // else generation
  int tokens, users, depth;

  // As llama-bench calls them: "pp512", "tg64 @ d8192"; "tg64 x8": of 8 users.
  std::string name() const {
    std::string name = fmt::format("{}{}", prompt ? "pp" : "tg", tokens);
    if (users > 1) name += fmt::format(" x{}", users);
    if (depth > 0) name += fmt::format(" @ d{}", depth);
    return name;
  }
  int context() const {
    return prompt ? context_for_prompt(tokens, depth) : context_for_generation(tokens, users, depth);
  }
  Speed run(engine::Engine& engine, power::Governor& meter) const {
    return prompt ? prompt_speed(engine, meter, tokens, depth) : generation_speed(engine, meter, tokens, users, depth);
  }
  void warm_up(engine::Engine& engine, power::Governor& meter) const {
    if (prompt) prompt_speed(engine, meter, tokens, depth);
    else generation_speed(engine, meter, std::min(tokens, 4), users, depth);
  }
  double predicted(Forecast& forecast) const {
    return prompt ? forecast.prompt_rate(tokens, depth) : forecast.generation_rate(tokens, users, depth);
  }
  // Of all its tokens.
  Cost cost(const Work& work) const {
    if (prompt) return work.prompt(tokens, depth);
    Cost cost;
    for (int step = 0; step < tokens; ++step) cost += work.step(users, std::max(depth, 1) + step);
    return cost;
  }
};

struct Result {
  Test test;
  Spread rate;  // tokens a second
  Cost cost;
  Floor floor;
  std::optional<platform::Energy> spent;  // in all runs
  std::optional<double> predicted;  // tokens a second

  double seconds() const { return double(test.tokens) * test.users / rate.median(); }
  bool has_share() const { return floor.seconds() > 0; }
  double share() const { return floor.seconds() / seconds(); }
  double watts() const { return spent->joules / spent->seconds; }
  bool is_off() const {
    return predicted && std::abs(rate.median() / *predicted - 1) > (test.prompt ? kPromptBound : kAnswerBound);
  }
  double tokens_per_joule() const { return double(test.tokens) * test.users * double(rate.runs.size()) / spent->joules; }
};

std::vector<Test> tests(const Options& o) {
  std::vector<Test> tests;
  for (int depth : o.depth) {
    for (int tokens : o.prompt) {
      if (tokens > 0) tests.push_back({true, tokens, 1, depth});
    }
    for (int tokens : o.generate) {
      for (int users : o.users) {
        if (tokens > 0) tests.push_back({false, tokens, users, depth});
      }
    }
  }
  return tests;
}

// The engine with room in its cache for all that is measured, unless --ctx says otherwise.
std::unique_ptr<engine::Engine> load(const Options& o, const Work& work, const std::vector<Test>& tests) {
  ModelOptions model = o.model;
  constexpr int kOther = 64;  // the first token's request
  int context = kOther;
  size_t tokens = 0;
  for (const Test& test : tests) {
    context = std::max(context, test.context());
    tokens = std::max(tokens, size_t(test.context() + kOther) * size_t(test.users));
  }
  if (model.engine.context == 0) {
    constexpr int kWindowShares = 4;  // layers with a window get room for so many sequences
    model.engine.context = context;
    double bytes = double(tokens + size_t(context)) * work.cache_bytes_per_token();
    model.engine.kv_bytes = static_cast<size_t>(bytes * (work.has_windows() ? kWindowShares : 1)) + 1;
  }
  return model.load();
}

struct Bench {
  engine::Engine& engine;
  power::Governor& meter;
  const Work& work;
  const KnownLimits& limits;
  const BenchEnergy& energy;
  int repeats;

  Result measure(const Test& test) const {
    test.warm_up(engine, meter);  // compiles the buckets, reads the weights, fills the cache
    Result result{.test = test, .cost = test.cost(work)};
    result.floor = floor_of(result.cost, limits);
    std::vector<Speed> runs;
    for (int i = 0; i < repeats; ++i) {
      runs.push_back(test.run(engine, meter));
      result.rate.runs.push_back(runs.back().tokens_per_s);
    }
    result.spent = energy.of(runs);
    return result;
  }
};

ordered_json to_json(const Result& r) {
  return {{"test", r.test.name()},
          {"kind", r.test.prompt ? "prompt" : "generation"},
          {"tokens", r.test.tokens},
          {"users", r.test.users},
          {"depth", r.test.depth},
          {"tokens_per_s", to_json(r.rate)},
          {"tokens_per_joule", r.spent ? ordered_json(r.tokens_per_joule()) : ordered_json()},
          {"watts", r.spent ? ordered_json(r.watts()) : ordered_json()},
          {"bytes_per_s", r.cost.bytes / r.seconds()},
          {"int8_operations_per_s", r.cost.int8 / r.seconds()},
          {"bits16_operations_per_s", r.cost.bits16 / r.seconds()},
          {"fp32_operations_per_s", r.cost.fp32 / r.seconds()},
          {"attention_operations_per_s", r.cost.attention / r.seconds()},
          {"bound", r.has_share() ? ordered_json(r.floor.bound()) : ordered_json()},
          {"share_of_limit", r.has_share() ? ordered_json(r.share()) : ordered_json()},
          {"predicted_tokens_per_s", r.predicted ? ordered_json(*r.predicted) : ordered_json()},
          {"prediction_is_off", r.predicted ? ordered_json(r.is_off()) : ordered_json()}};
}

// " 91 % of the read bandwidth: 40.1 GB/s"
std::string share_text(const Result& r) {
  if (!r.has_share()) {
    return fmt::format("{:.1f} GB/s, {:.0f} GOP/s", r.cost.bytes / r.seconds() / 1e9, r.cost.operations() / r.seconds() / 1e9);
  }
  if (r.floor.by_memory()) {
    return fmt::format("{:3.0f} % of the read bandwidth: {:.1f} GB/s", 100 * r.share(),
                       r.cost.bytes / r.seconds() / 1e9);
  }
  return fmt::format("{:3.0f} % of the arithmetic peak: {:.0f} GOP/s, attention {:.0f}", 100 * r.share(),
                     (r.cost.operations() - r.cost.attention) / r.seconds() / 1e9, r.cost.attention / r.seconds() / 1e9);
}

// "  3.21 (24.5 W)"
std::string energy_text(const Result& r) {
  return r.spent ? fmt::format("{:.3g} ({:.1f} W)", r.tokens_per_joule(), r.watts()) : "—";
}

// "predicted 27.90, ratio 0.97; "
std::string predicted_text(const Result& r) {
  return r.predicted ? fmt::format("predicted {:.2f}, ratio {:.2f}; ", *r.predicted, r.rate.median() / *r.predicted) : "";
}

void print_line(const Result& r, bool with_energy) {
  fmt::print("{:<18}{:10.2f}  {:9.2f} … {:<9.2f}  ", r.test.name(), r.rate.median(), r.rate.least(), r.rate.most());
  if (with_energy) fmt::print("{:<18}", energy_text(r));
  fmt::print("{}{}\n", predicted_text(r), share_text(r));
  std::fflush(stdout);  // a line may be minutes away from the next
}

// What computes: the devices of both lanes.
std::vector<std::string> devices_of(const engine::EngineOptions& o) {
  std::vector<std::string> devices = engine::device_list(o.device);
  if (o.prefill_device.empty()) return devices;
  for (std::string& name : engine::device_list(o.prefill_device, "--prefill-device")) devices.push_back(std::move(name));
  return devices;
}

void bench(const Options& o) {
  int threads = o.model.engine.threads > 0 ? o.model.engine.threads : platform::cpu().cores;
  if (!o.model.engine.prefill_device.empty()) refuse_simulated("--prefill-device", o.model.engine.prefill_device);
  std::optional<Forecast> forecast;
  if (o.predict) forecast.emplace(o.model);
  const KnownLimits limits = limits_of(o.model.engine.device, threads, o.model.engine.isa);
  Work work(o.model);
  std::vector<Test> todo = tests(o);
  auto begin = Clock::now();
  auto engine = load(o, work, todo);
  double load_s = std::chrono::duration<double>(Clock::now() - begin).count();
  double first_token_s = load_s + first_token_seconds(*engine);
  while (!engine->stats().settled) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  double settled_s = std::chrono::duration<double>(Clock::now() - begin).count();
  const engine::ModelInfo& info = engine->model();
  const auto governor = o.model.governor();
  const BenchEnergy energy(*governor, devices_of(o.model.engine));
  const power::Status power = governor->status();
  if (!o.json) {
    fmt::print("{} ({:.0f} M parameters, {:.0f} MB), {} threads, {}\n{}\n\n", printable(info.name),
               double(info.parameters) / 1e6, double(info.weight_bytes) / 1e6, threads, platform::cpu().name,
               to_text(limits));
    fmt::print("load {:.3f} s; first token {:.3f} s after its begin, at full speed after {:.3f} s\n\n", load_s,
               first_token_s, settled_s);
    fmt::print("{}\n{}\n\n", power::explain(power), energy.to_text());
    fmt::print("{:<18}{:>10}  {:>9}   {:<9}  {:<{}}{}\n", "test", "tokens/s", "min", "max",
               energy.is_measured() ? "tokens/J" : "", energy.is_measured() ? 18 : 0, limits ? "share of the limit" : "");
  }
  auto results = ordered_json::array();
  std::vector<std::string> off;
  const Bench tests{*engine, *governor, work, limits, energy, o.repeats};
  for (const Test& test : todo) {
    Result result = tests.measure(test);
    if (forecast) result.predicted = test.predicted(*forecast);
    if (result.is_off()) off.push_back(test.name());
    results.push_back(to_json(result));
    if (!o.json) print_line(result, energy.is_measured());
  }
  if (!o.json) {
    if (!off.empty()) {
      fmt::print("\npredictions are off by more than {:.0f} % (prompts {:.0f} %): {}; {}\n", 100 * kAnswerBound,
                 100 * kPromptBound, fmt::join(off, ", "), forecast->cure());
    }
    fmt::print("\nresident {:.1f} MB\n", double(platform::resident_bytes()) / 1e6);
    return;
  }
  ordered_json json = {{"model", info.name},
                       {"path", info.path},
                       {"architecture", info.architecture},
                       {"parameters", info.parameters},
                       {"weight_bytes", info.weight_bytes},
                       {"weight_bytes_per_step", info.streamed_bytes},
                       {"machine", machine_json()},
                       {"device", o.model.engine.device},
                       {"threads", threads},
                       {"limits", to_json(limits)},
                       {"power", power::explain(power)},
                       {"energy", energy.to_json()},
                       {"load_s", load_s},
                       {"first_token_s", first_token_s},
                       {"full_speed_s", settled_s},
                       {"repeats", o.repeats},
                       {"tests", results},
                       {"prediction_cure", off.empty() ? ordered_json() : ordered_json(forecast->cure())},
                       {"resident_bytes", platform::resident_bytes()}};
  std::puts(json.dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
}

// --prompt, --generate, …: one value or several with commas between.
void add_list(CLI::App& verb, const char* names, std::vector<int>& values, const char* help, CLI::Range range) {
  verb.add_option(names, values, help)->delimiter(',')->allow_extra_args(false)->check(range);
}

// What an interval of numbers cannot say.
void check_depths(const Options& o) {
  for (int depth : o.depth) {
    if (depth == 0 || depth >= kLeastDepth) continue;
    fail("--depth {}: the cache keeps 0 tokens or at least {}", depth, kLeastDepth);
  }
}

}  // namespace

void add_bench(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("bench", "Measure prompt and generation speed, a server, single operations or this machine");
  o->model.power = "full";  // what the machine can do; --power shows what is left of it
  add_model_options(*verb, o->model, ModelArgument::optional);
  constexpr int kMost = 1 << 20;
  add_list(*verb, "-p,--prompt", o->prompt, "prompt tokens, one or more lengths: 128,512; 0: skip", {0, kMost});
  add_list(*verb, "-n,--generate", o->generate, "generated tokens; 0: skip", {0, kMost});
  add_list(*verb, "--users", o->users, "sequences that generate at once: 1,8", {1, 64});
  add_list(*verb, "-d,--depth", o->depth, "tokens in the cache before a test; their time does not count", {0, kMost});
  verb->add_option("-r,--repeats", o->repeats, "measured runs, after a warm-up")->check(CLI::Range(1, 100));
  verb->add_flag("--predict", o->predict, "beside each speed what the planner says, by `bench calibrate`");
  verb->add_flag("--json", o->json, "as JSON");
  add_bench_limits(*verb);
  add_bench_ops(*verb);
  add_bench_serve(*verb);
  add_bench_calibrate(*verb);
  for (CLI::App* part : verb->get_subcommands({})) part->excludes(verb->get_option("model"));
  verb->callback([o, verb] {
    if (!verb->get_subcommands().empty()) return;
    check_depths(*o);
    choose_devices(o->model);
    bench(*o);
  });
}

}  // namespace troika::apps
