// troika logits MODEL --ids F --out DIR: the logits after every token of each prompt, as DIR/i.npy.
#include <CLI/CLI.hpp>

#include <filesystem>
#include <memory>
#include <span>

#include "apps/collect.h"
#include "apps/files.h"
#include "apps/model_options.h"
#include "apps/pictures.h"
#include "apps/verbs.h"
#include "base/error.h"

namespace troika::apps {
namespace {

struct Options {
  ModelOptions model;
  std::string ids, out;
  std::vector<std::string> images;
  bool batch = false;
};

// Computes these prompts together; the first is number `first` of all.
void write_group(engine::Engine& engine, std::span<const engine::ImagePrompt> prompts, size_t first,
                 const std::filesystem::path& folder) {
  size_t vocabulary = engine.model().vocabulary;
  std::vector<std::vector<float>> results(prompts.size());
  std::vector<engine::Request> requests;
  for (size_t i = 0; i < prompts.size(); ++i) {
    requests.push_back({.prompt = prompts[i].tokens,
                        .images = prompts[i].images,
                        .prompt_logits = [&result = results[i]](int, std::span<const float> row) {
                          result.insert(result.end(), row.begin(), row.end());  // positions come in order
                        }});
  }
  run_all(engine, std::move(requests));
  for (size_t i = 0; i < prompts.size(); ++i) {
    write_npy(folder / (std::to_string(first + i) + ".npy"), results[i], prompts[i].tokens.size(), vocabulary);
  }
}

void write_logits(const Options& o) {
  auto ids = read_prompts(o.ids);
  auto pictures = read_pictures(o.images);
  std::error_code error;
  std::filesystem::create_directories(o.out, error);
  if (error) fail("cannot make the folder {}: {}", o.out, error.message());
  auto engine = o.model.load();
  auto prompts = show_pictures(*engine, std::move(ids), pictures);
  if (o.batch) return write_group(*engine, prompts, 0, o.out);
  for (size_t i = 0; i < prompts.size(); ++i) write_group(*engine, std::span(prompts).subspan(i, 1), i, o.out);
}

}  // namespace

void add_logits(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("logits", "Write the logits after every token of each prompt");
  add_model_options(*verb, o->model, ModelArgument::required);
  verb->add_option("--ids", o->ids, "JSON file: {\"prompts\": [[ids], …]}")->required();
  verb->add_option("--out", o->out, "folder for 0.npy, 1.npy, …")->required();
  verb->add_option("--image", o->images, "a picture for each image placeholder of the prompts; one after each --image")
      ->allow_extra_args(false);
  verb->add_flag("--batch", o->batch, "run all prompts as one ragged batch");
  verb->callback([o] { write_logits(*o); });
}

}  // namespace troika::apps
