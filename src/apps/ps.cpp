// troika ps: the models that a running server has loaded.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/printable.h"
#include "apps/server_client.h"
#include "apps/verbs.h"
#include "store/download.h"

namespace troika::apps {
namespace {

using nlohmann::ordered_json;

struct Options {
  ServerAddress server;
  bool json = false;
};

std::string until_of(const ordered_json& model) {
  if (model.contains("loaded_share")) return fmt::format("is being loaded, {:.0f} %", 100 * model.value("loaded_share", 0.0));
  if (model.value("pinned", false)) return "an admin unloads it";
  const std::string until = model.value("expires_at", "");
  return until.starts_with("9999") ? "the room is needed" : until.substr(0, 19) + " UTC";
}

void print_table(const ordered_json& models) {
  size_t width = 4;
  for (const auto& model : models) width = std::max(width, model.value("name", "").size());
  fmt::print("{:<{}}  {:>10}  {:>8}  {}\n", "NAME", width, "MEMORY", "CONTEXT", "UNTIL");
  for (const auto& model : models) {
    const std::string line = fmt::format(
        "{:<{}}  {:>10}  {:>8}  {}", model.value("name", ""), width, store::size_text(model.value("size", uint64_t{0})),
        model.value("context_length", 0), until_of(model));
    fmt::print("{}\n", printable(line));
  }
}

void list_loaded(const Options& o) {
  const ordered_json answer = ask_server(o.server, "/api/ps", nullptr);
  const ordered_json models = answer.value("models", ordered_json::array());
  if (o.json) std::puts(models.dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
  else if (models.empty()) fmt::print("No model is loaded; the first question to one loads it.\n");
  else print_table(models);
  const std::string power = answer.value("power", "");
  if (!o.json && !power.empty()) fmt::print("{}\n", printable(power));
}

}  // namespace

void add_ps(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("ps", "List the models that a running server has loaded");
  add_server_options(*verb, o->server);
  verb->add_flag("--json", o->json, "as JSON");
  verb->callback([o] { list_loaded(*o); });
}

}  // namespace troika::apps
