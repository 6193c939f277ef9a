// troika plan MODEL: how large a model is, how it is built and whether it fits, told from its config.json (or its file)
// alone; nothing is loaded. --hardware plans it for a machine, this one or another; --print adds the tape of a bucket.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/plan_facts.h"
#include "apps/plan_prediction.h"
#include "apps/plan_tape.h"
#include "apps/verbs.h"
#include "base/error.h"
#include "store/durable_file.h"

namespace troika::apps {
namespace {

using nlohmann::ordered_json;

struct Options {
  ModelOptions model;
  PredictionOptions prediction;
  std::string svg;
  int tokens = 1;
  bool print = false, json = false;
};

constexpr int kLargestBucket = engine::kBuckets[std::size(engine::kBuckets) - 1];

void plan(const Options& o) {
  Subject s = examine(o.model);
  std::optional<Prediction> prediction;
  if (!o.prediction.hardware.empty()) prediction = predict(s, o.model, o.prediction);
  if (!o.svg.empty()) {
    if (!prediction->plan.refusal.empty()) fail("--svg {}: there is no plan to draw: it {}", o.svg, prediction->plan.refusal);
    store::replace_file(o.svg, picture(*prediction, s));
  }
  if (o.json) {
    ordered_json json = facts_json(s, o.model);
    if (prediction) json["plan"] = to_json(*prediction);
    fmt::print("{}\n", json.dump(2, ' ', false, ordered_json::error_handler_t::replace));
    return;
  }
  print_facts(s, o.model);
  if (prediction) apps::print(*prediction);
  else print_fits(s, o.model);
  if (o.print) print_tape(s, o.model, o.tokens);
}

}  // namespace

void add_plan(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand(
      "plan", "Say how large a model is, whether it fits and how fast it will be, from its config.json alone");
  add_model_options(*verb, o->model, ModelArgument::required);
  auto* hardware =
      verb->add_option("--hardware", o->prediction.hardware,
                       "plan it for a machine: phoenix-ddr5, phoenix-lpddr5x, this, or a file of `bench calibrate --json`");
  verb->add_option("--weights", o->prediction.weights, "with --hardware, of a config.json alone: bf16, Q8_0 or Q4_K_M")
      ->needs(hardware);
  verb->add_option("--users", o->prediction.users, "with --hardware: users that must have room")
      ->check(CLI::Range(1, 1024))
      ->needs(hardware);
  verb->add_option("--svg", o->svg, "with --hardware: write a picture of the plan to this file")->needs(hardware);
  verb->add_option("--tokens", o->tokens, "with --print: tokens a step")->check(CLI::Range(1, kLargestBucket));
  auto* print = verb->add_flag("--print", o->print, "print the tape");
  verb->add_flag("--json", o->json, "as JSON")->excludes(print);
  verb->callback([o] { plan(*o); });
}

}  // namespace troika::apps
