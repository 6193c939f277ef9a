// troika render MODEL: a chat as JSON on stdin becomes the prompt text that the model's template makes of it.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/files.h"
#include "apps/model_options.h"
#include "apps/verbs.h"
#include "base/error.h"
#include "engine/text_model.h"

namespace troika::apps {
namespace {

struct Options {
  std::string model;
  bool as_is = false;
};

void render(const Options& o) {
  engine::TextModel text = engine::TextModel::load(find_model(o.model));
  nlohmann::ordered_json chat = parse_json(read_stdin(), "the input");
  if (!chat.is_object() || !chat.contains("messages")) fail("the input has no \"messages\"");
  std::string prompt = o.as_is ? text.render_as_is(std::move(chat)) : text.render(std::move(chat));
  std::fwrite(prompt.data(), 1, prompt.size(), stdout);
}

}  // namespace

void add_render(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("render", "Turn a chat (JSON on stdin) into the model's prompt text");
  verb->add_option("model", o->model, "GGUF file, safetensors folder or name")->required();
  verb->add_flag("--as-is", o->as_is, "messages go to the template unchanged, also where it refuses a system message");
  verb->callback([o] { render(*o); });
}

}  // namespace troika::apps
