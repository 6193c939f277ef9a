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

void render(const std::string& name) {
  engine::TextModel text = engine::TextModel::load(find_model(name));
  nlohmann::ordered_json chat = parse_json(read_stdin(), "the input");
  if (!chat.is_object() || !chat.contains("messages")) fail("the input has no \"messages\"");
  std::string prompt = text.render(std::move(chat));
  std::fwrite(prompt.data(), 1, prompt.size(), stdout);
}

}  // namespace

void add_render(CLI::App& app) {
  auto name = std::make_shared<std::string>();
  auto* verb = app.add_subcommand("render", "Turn a chat (JSON on stdin) into the model's prompt text");
  verb->add_option("model", *name, "GGUF file, safetensors folder or name")->required();
  verb->callback([name] { render(*name); });
}

}  // namespace troika::apps
