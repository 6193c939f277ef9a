// troika cp MODEL NAME: another name for a model, such as the one that a program insists on. No file is copied.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>

#include "apps/model_options.h"
#include "apps/model_store.h"
#include "apps/printable.h"
#include "apps/verbs.h"

namespace troika::apps {
namespace {

struct Options {
  std::string model, name;
};

void copy(const Options& o) {
  store::Store store = open_store();
  if (store.is_name(o.model) && store.find(o.model)) {
    store.copy(o.model, o.name);
  } else {
    store.add(find_model(o.model), o.name);
  }
  fmt::print("{} is {} now\n", printable(o.name), printable(o.model));
}

}  // namespace

void add_cp(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("cp", "Give a model another name; no file is copied");
  verb->add_option("model", o->model, "GGUF file, safetensors folder or name")->required();
  verb->add_option("name", o->name, "the new name")->required();
  verb->callback([o] { copy(*o); });
}

}  // namespace troika::apps
