// troika list: the models that are here; with --zoo those that have a short name, and what they would be like here.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/machine_limits.h"
#include "apps/model_store.h"
#include "apps/printable.h"
#include "apps/verbs.h"
#include "base/platform.h"
#include "store/download.h"

namespace troika::apps {
namespace {

using nlohmann::ordered_json;

struct Options {
  bool json = false, zoo = false;
};

void print_json(const ordered_json& json) {
  std::puts(json.dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
}

ordered_json to_json(const store::Model& m) {
  return {{"name", m.name},
          {"quantisation", m.quantisation},
          {"bytes", m.bytes},
          {"modified", m.modified},
          {"path", m.path.string()},
          {"repository", m.repository},
          {"commit", m.commit},
          {"digest", m.digest},
          {"files", m.files}};
}

void print_table(const std::vector<store::Model>& models) {
  size_t width = 4;
  for (const store::Model& model : models) width = std::max(width, model.name.size());
  fmt::print("{:<{}}  {:<11}  {:>10}  {:<16}  {}\n", "NAME", width, "QUANT", "SIZE", "MODIFIED", "WHERE");
  for (const store::Model& m : models) {
    std::string line = fmt::format("{:<{}}  {:<11}  {:>10}  {:%Y-%m-%d %H:%M}  {}", m.name, width,
                                   m.quantisation.empty() ? "-" : m.quantisation, store::size_text(m.bytes),
                                   fmt::localtime(std::time_t(m.modified)), m.path.string());
    fmt::print("{}\n", printable(line));
  }
}

void list_models(const Options& o) {
  store::Store store = open_store();
  std::vector<store::Model> models = store.list();
  if (o.json) {
    ordered_json all = ordered_json::array();
    for (const store::Model& model : models) all.push_back(to_json(model));
    return print_json(all);
  }
  if (models.empty()) {
    fmt::print("No model was pulled yet; `troika list --zoo` shows what can be had, `troika pull NAME` brings it.\n");
  } else {
    print_table(models);
  }
  if (uint64_t bytes = store.unfinished_bytes(); bytes > 0)
    fmt::print("\n{} lie in downloads that ended early: pull again to go on, or `troika rm --unfinished`\n", store::size_text(bytes));
}

// Tokens a second for one user where memory is the limit: each token reads its share of the weights once.
double predicted_speed(const store::ZooModel& model, double bytes_per_s) {
  double read = double(model.approximate_bytes) * double(model.parameters_read) / double(model.parameters);
  return bytes_per_s / read;
}

void list_zoo(const Options& o) {
  store::Store store = open_store();
  double bandwidth = measure_read_bandwidth(platform::cpu().cores);
  size_t free = platform::memory().available_bytes;
  auto fits = [&](const store::ZooModel& m) { return m.approximate_bytes + m.approximate_bytes / 10 <= free; };
  if (o.json) {
    ordered_json all = ordered_json::array();
    for (const store::ZooModel& m : store.zoo().models()) {
      all.push_back({{"name", m.name},
                     {"aliases", m.aliases},
                     {"repository", m.repository},
                     {"community", m.community},
                     {"quantisation", m.quantisation},
                     {"pictures", !m.mmproj.empty()},
                     {"parameters", m.parameters},
                     {"approximate_bytes", m.approximate_bytes},
                     {"licence", m.licence},
                     {"gated", m.gated},
                     {"here", store.find(m.name).has_value()},
                     {"fits_predicted", fits(m)},
                     {"tokens_per_s_predicted", predicted_speed(m, bandwidth)}});
    }
    return print_json(all);
  }
  fmt::print("{:<18} {:>7}  {:<6} {:>9}  {:<4} {:>8}  {:<18}  {}\n", "NAME", "PARAMS", "QUANT", "SIZE", "HERE", "TOKENS/S",
             "LICENCE", "REPOSITORY");
  for (const store::ZooModel& m : store.zoo().models()) {
    fmt::print("{:<18} {:>6.1f}B  {:<6} ~{:>8}  {:<4} {:>8}  {:<18}  {}{}\n", m.name, double(m.parameters) / 1e9, m.quantisation,
               store::size_text(m.approximate_bytes), store.find(m.name) ? "yes" : "",
               fits(m) ? fmt::format("{:.1f}", predicted_speed(m, bandwidth)) : "no room", m.licence, m.repository,
               m.community ? " *" : "");
  }
  fmt::print("\nSIZE is approximate (parameters times bits; a model that sees has a projector besides). TOKENS/S is predicted, "
             "not measured:\nwhat {:.1f} GB/s of memory, measured just now, allow one user at most; \"no room\": it does not "
             "fit into the {} of\nmemory that are free. *: converted by others than its makers. `troika pull NAME` brings one, "
             "NAME-q8_0 in another quantisation.\n",
             bandwidth / 1e9, store::size_text(free));
}

}  // namespace

void add_list(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("list", "The models that are here, or that can be had (--zoo)");
  verb->alias("ls");
  verb->add_flag("--json", o->json, "as JSON");
  verb->add_flag("--zoo", o->zoo, "the models with short names: size, licence, predicted speed");
  verb->callback([o] { o->zoo ? list_zoo(*o) : list_models(*o); });
}

}  // namespace troika::apps
