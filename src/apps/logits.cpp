// troika logits MODEL --ids F --out DIR: the logits after every token of each prompt, as DIR/i.npy.
#include <CLI/CLI.hpp>

#include <cstring>
#include <filesystem>
#include <memory>

#include "apps/collect.h"
#include "apps/files.h"
#include "apps/model_options.h"
#include "apps/verbs.h"
#include "base/error.h"

namespace troika::apps {
namespace {

struct Options {
  ModelOptions model;
  std::string ids, out;
  bool batch = false;
};

void write_logits(const Options& o) {
  auto prompts = read_prompts(o.ids);
  std::error_code error;
  std::filesystem::create_directories(o.out, error);
  if (error) fail("cannot make the folder {}: {}", o.out, error.message());
  auto engine = o.model.load();
  size_t vocabulary = engine->model().vocabulary;

  std::vector<std::vector<float>> results(prompts.size());
  std::vector<engine::Request> requests;
  for (size_t i = 0; i < prompts.size(); ++i) {
    results[i].resize(prompts[i].size() * vocabulary);
    float* rows = results[i].data();
    requests.push_back({.prompt = prompts[i], .prompt_logits = [=](int position, std::span<const float> logits) {
                          std::memcpy(rows + position * vocabulary, logits.data(), logits.size_bytes());
                        }});
  }
  if (o.batch) {
    run_all(*engine, std::move(requests));
  } else {
    for (engine::Request& request : requests) run_all(*engine, {std::move(request)});
  }
  for (size_t i = 0; i < prompts.size(); ++i) {
    auto path = std::filesystem::path(o.out) / (std::to_string(i) + ".npy");
    write_npy(path, results[i], prompts[i].size(), vocabulary);
  }
}

}  // namespace

void add_logits(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("logits", "Write the logits after every token of each prompt");
  add_model_options(*verb, o->model, ModelArgument::required);
  verb->add_option("--ids", o->ids, "JSON file: {\"prompts\": [[ids], …]}")->required();
  verb->add_option("--out", o->out, "folder for 0.npy, 1.npy, …")->required();
  verb->add_flag("--batch", o->batch, "run all prompts as one ragged batch");
  verb->callback([o] { write_logits(*o); });
}

}  // namespace troika::apps
