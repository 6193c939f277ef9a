// troika pull NAME: brings a model from the hub (or a URL) into the cache, with what of it is here already left alone.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/model_store.h"
#include "apps/printable.h"
#include "apps/verbs.h"

namespace troika::apps {
namespace {

struct Options {
  std::string name;
  bool json = false;
};

void pull(const Options& o) {
  store::Store store = open_store();
  if (!o.json) {
    store::Model model = pull_watched(store, o.name, PullView::people);
    fmt::print("{}\n", printable(fmt::format("{} is here: troika run {}", model.name, model.name)));
    return;
  }
  using nlohmann::ordered_json;
  try {
    store::Model model = pull_watched(store, o.name, PullView::json);
    ordered_json done{{"status", "success"}, {"name", model.name}, {"path", model.path.string()}, {"bytes", model.bytes}};
    std::puts(done.dump().c_str());
  } catch (const std::exception& error) {
    ordered_json failed{{"status", "error"}, {"error", error.what()}};
    std::puts(failed.dump(-1, ' ', false, ordered_json::error_handler_t::replace).c_str());
    throw;
  }
}

}  // namespace

void add_pull(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("pull", "Download a model: qwen2.5:7b, OWNER/REPOSITORY:Q4_K_M or a URL");
  verb->add_option("name", o->name, "a name that `troika list --zoo` shows, a Hugging Face repository, or a URL")->required();
  verb->add_flag("--json", o->json, "progress as JSON lines");
  verb->callback([o] { pull(*o); });
}

}  // namespace troika::apps
