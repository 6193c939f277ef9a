// troika stop MODEL: has a running server unload a model once nobody uses it.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>
#include <nlohmann/json.hpp>

#include "apps/printable.h"
#include "apps/server_client.h"
#include "apps/verbs.h"

namespace troika::apps {
namespace {

struct Options {
  ServerAddress server;
  std::string model;
};

void stop(const Options& o) {
  const auto answer = ask_server(o.server, "/api/troika/unload", {{"model", o.model}});
  const std::string status = answer.value("status", "");
  fmt::print("{} {}\n", printable(answer.value("id", o.model)),
             status == "unloaded" ? "is unloaded" : "goes as soon as nobody uses it");
}

}  // namespace

void add_stop(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("stop", "Have a running server unload a model");
  verb->add_option("model", o->model, "as `troika ps` shows it")->required();
  add_server_options(*verb, o->server);
  verb->callback([o] { stop(*o); });
}

}  // namespace troika::apps
