// troika generate MODEL --ids F --tokens N: greedy continuations of each prompt, stopping at nothing.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/collect.h"
#include "apps/files.h"
#include "apps/model_options.h"
#include "apps/pictures.h"
#include "apps/verbs.h"

namespace troika::apps {
namespace {

struct Options {
  ModelOptions model;
  std::string ids;
  std::vector<std::string> images;
  int tokens = 16;
};

void generate(const Options& o) {
  auto ids = read_prompts(o.ids);
  auto pictures = read_pictures(o.images);
  auto engine = o.model.load();
  std::vector<engine::Request> requests;
  for (auto& prompt : show_pictures(*engine, std::move(ids), pictures)) {
    requests.push_back({.prompt = std::move(prompt.tokens),
                        .images = std::move(prompt.images),
                        .max_tokens = o.tokens,
                        .sampling = {.temperature = 0},
                        .stop_at_end_tokens = false});
  }
  nlohmann::ordered_json outputs = nlohmann::ordered_json::array();
  for (const Outcome& outcome : run_all(*engine, std::move(requests))) outputs.push_back(outcome.tokens);
  std::puts(nlohmann::ordered_json{{"outputs", outputs}}.dump().c_str());
}

}  // namespace

void add_generate(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("generate", "Continue each prompt greedily by N tokens");
  add_model_options(*verb, o->model, ModelArgument::required);
  verb->add_option("--ids", o->ids, "JSON file: {\"prompts\": [[ids], …]}")->required();
  verb->add_option("--tokens", o->tokens, "tokens to generate")->check(CLI::Range(1, 1 << 24));
  verb->add_option("--image", o->images, "a picture for each image placeholder of the prompts; one after each --image")
      ->allow_extra_args(false);
  verb->callback([o] { generate(*o); });
}

}  // namespace troika::apps
