// troika bench MODEL: speed of prompts (pp) and of generation (tg), medians, with the share of this machine's
// measured memory bandwidth. Speeds are of the engine as the server uses it, not of bare kernels.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>

#include "apps/bandwidth.h"
#include "apps/collect.h"
#include "apps/model_options.h"
#include "apps/verbs.h"
#include "base/platform.h"

namespace troika::apps {
namespace {

struct Options {
  ModelOptions model;
  int prompt = 512, generate = 64, users = 1, repeats = 3;
  bool json = false;
};

// Another prompt at every call: one that was computed before would partly be taken from the cache.
std::vector<int32_t> random_prompt(int tokens, int vocabulary) {
  static std::mt19937 random(1);
  std::vector<int32_t> ids(tokens);
  for (int32_t& id : ids) id = static_cast<int32_t>(random() % vocabulary);
  return ids;
}

engine::Request request(const engine::Engine& engine, int prompt, int generate) {
  return {.prompt = random_prompt(prompt, engine.model().vocabulary),
          .max_tokens = generate,
          .sampling = {.temperature = 0},
          .stop_at_end_tokens = false};
}

double prompt_rate(engine::Engine& engine, int tokens) {
  auto outcome = run_all(engine, {request(engine, tokens, 1)});
  return tokens / outcome[0].last.timings.prompt_s;
}

// Tokens a second of all users together, from the first token of any to the last of all: the time of users who had
// to wait for cache counts.
double generate_rate(engine::Engine& engine, int tokens, int users) {
  std::vector<engine::Request> requests(users, request(engine, 1, tokens + 1));
  double begin = std::numeric_limits<double>::infinity(), end = 0;  // since all were submitted
  for (const Outcome& outcome : run_all(engine, std::move(requests))) {
    const engine::Timings& t = outcome.last.timings;
    begin = std::min(begin, t.queued_s + t.prompt_s);
    end = std::max(end, t.queued_s + t.prompt_s + t.generate_s);
  }
  return double(users) * tokens / (end - begin);
}

double median(int repeats, const std::function<double()>& measure) {
  measure();  // warm-up: compiles the bucket, reads the weights
  std::vector<double> values;
  for (int i = 0; i < repeats; ++i) values.push_back(measure());
  std::sort(values.begin(), values.end());
  size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void bench(const Options& o) {
  int threads = o.model.engine.threads > 0 ? o.model.engine.threads : platform::cpu().cores;
  double bandwidth = measure_read_bandwidth(threads);
  auto start = std::chrono::steady_clock::now();
  auto engine = o.model.load();
  double load_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const engine::ModelInfo& info = engine->model();
  double pp = o.prompt > 0 ? median(o.repeats, [&] { return prompt_rate(*engine, o.prompt); }) : 0;
  double tg = o.generate > 0 ? median(o.repeats, [&] { return generate_rate(*engine, o.generate, o.users); }) : 0;
  double steps = tg / o.users;  // a step reads the weights once for all users
  double bytes = steps * double(info.streamed_bytes);
  double flops = pp * 2 * double(info.multiplied_weights);  // without attention

  if (o.json) {
    nlohmann::ordered_json result = {{"model", info.name},
                                     {"threads", threads},
                                     {"load_s", load_s},
                                     {"prompt_tokens", o.prompt},
                                     {"prompt_tokens_per_s", pp},
                                     {"generated_tokens", o.generate},
                                     {"users", o.users},
                                     {"generated_tokens_per_s", tg},
                                     {"weight_bytes_per_step", info.streamed_bytes},
                                     {"bytes_per_s", bytes},
                                     {"measured_bandwidth_bytes_per_s", bandwidth},
                                     {"bandwidth_share", bytes / bandwidth},
                                     {"resident_bytes", platform::resident_bytes()}};
    std::puts(result.dump(2).c_str());
    return;
  }
  fmt::print("{} ({:.0f} M parameters, {:.0f} MB), {} threads, {}\n", info.name, double(info.parameters) / 1e6,
             double(info.weight_bytes) / 1e6, threads, platform::cpu().name);
  fmt::print("load      {:9.2f} s\n", load_s);
  if (pp > 0) fmt::print("pp{:<6}  {:9.1f} tokens/s  {:7.1f} GFLOP/s\n", o.prompt, pp, flops / 1e9);
  if (tg > 0) {
    fmt::print("tg{:<6}  {:9.1f} tokens/s  {:7.1f} GB/s, {:.0f} % of the {:.1f} GB/s that {} threads read here\n",
               o.generate, tg, bytes / 1e9, 100 * bytes / bandwidth, bandwidth / 1e9, threads);
  }
  fmt::print("resident  {:9.1f} MB\n", double(platform::resident_bytes()) / 1e6);
}

}  // namespace

void add_bench(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("bench", "Measure prompt and generation speed");
  add_model_options(*verb, o->model, ModelArgument::optional);
  verb->add_option("-p,--prompt", o->prompt, "prompt tokens; 0: skip")->check(CLI::Range(0, 1 << 20));
  verb->add_option("-n,--generate", o->generate, "generated tokens; 0: skip")->check(CLI::Range(0, 1 << 20));
  verb->add_option("--users", o->users, "sequences that generate at once")->check(CLI::Range(1, 64));
  verb->add_option("-r,--repeats", o->repeats, "measured runs, after one warm-up")->check(CLI::Range(1, 100));
  verb->add_flag("--json", o->json, "as JSON");
  verb->callback([o] { bench(*o); });
}

}  // namespace troika::apps
