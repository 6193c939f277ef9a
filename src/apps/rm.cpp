// troika rm NAME...: forgets models and frees the disk of what nothing else needs.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>

#include "apps/model_store.h"
#include "apps/printable.h"
#include "apps/verbs.h"
#include "base/error.h"
#include "store/download.h"

namespace troika::apps {
namespace {

struct Options {
  std::vector<std::string> names;
  bool unfinished = false;
};

void remove(const Options& o) {
  store::Store store = open_store();
  if (o.names.empty() && !o.unfinished) fail("say what to remove: names that `troika list` shows, or --unfinished");
  if (o.unfinished) fmt::print("removed unfinished downloads; {} freed\n", store::size_text(store.remove_unfinished()));
  for (const std::string& name : o.names) {
    store::Removed removed = store.remove(name);
    std::string text = fmt::format("removed {}; {} freed", name, store::size_text(removed.freed_bytes));
    if (!removed.kept_for.empty()) text = fmt::format("removed the name {}; its files stay for {}", name, removed.kept_for);
    fmt::print("{}\n", printable(text));
  }
}

}  // namespace

void add_rm(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("rm", "Remove models that were pulled");
  verb->add_option("names", o->names, "names that `troika list` shows");
  verb->add_flag("--unfinished", o->unfinished, "parts of downloads that ended early");
  verb->callback([o] { remove(*o); });
}

}  // namespace troika::apps
