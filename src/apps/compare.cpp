// troika compare MODEL --device A --with B: one tape on two devices, and the first op out of tolerance.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>

#include "apps/files.h"
#include "apps/model_options.h"
#include "apps/verbs.h"
#include "base/error.h"
#include "engine/compare.h"

namespace troika::apps {
namespace {

struct Options {
  ModelOptions model;
  std::string with = "reference", ids;
  double tolerance = 0;  // 0: by the arithmetic and the cache's format
  bool all = false;
};

void compare(const Options& o) {
  std::vector<int32_t> prompt = {1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233};
  if (!o.ids.empty()) {
    auto prompts = read_prompts(o.ids);
    if (prompts.empty()) fail("{} holds no prompt", o.ids);
    prompt = std::move(prompts.front());
  }
  engine::EngineOptions a = o.model.engine_options(), b = a;
  b.device = o.with;
  b.place.clear();  // it is said of the first
  // Activations in int8 differ by up to about 1 % of a row's norm; float32 by rounding only.
  double tolerance = o.tolerance > 0 ? o.tolerance : (a.float32 ? 1e-4 : 0.02);
  int ops = 0;
  double largest = 0, rounded = 0;  // errors; `rounded`: that caches explain
  std::string first;
  engine::compare_devices(find_model(o.model.model), a, b, prompt, [&](const engine::OpDifference& d) {
    ++ops;
    bool rounds = o.tolerance == 0 && d.rounding > tolerance;
    double& worst = rounds ? rounded : largest;
    worst = std::max(worst, d.error);
    bool out = !(d.error <= (rounds ? d.rounding : tolerance));
    if (out && first.empty()) first = d.op;
    if (o.all || out) fmt::print("{:.2e}  {:>12.5g} {:>12.5g}  {}\n", d.error, d.worst_a, d.worst_b, d.op);
  });
  fmt::print("{} results compared, largest error {:.2e}, tolerance {:.0e}", ops, largest, tolerance);
  fmt::print("{}\n", rounded > 0 ? fmt::format("; {:.2e} where a cache rounds", rounded) : "");
  if (!first.empty()) fail("the first op out of tolerance is {}", first);
}

}  // namespace

void add_compare(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("compare", "Walk one tape on two devices, op by op");
  add_model_options(*verb, o->model, ModelArgument::required);
  verb->add_option("--with", o->with, "the other device");
  verb->add_option("--ids", o->ids, "JSON file {\"prompts\": [[ids], …]}; the first prompt is used");
  verb->add_option("--tolerance", o->tolerance, "‖a − b‖ / ‖b‖ that an op may have; 0: by the arithmetic and the cache's format");
  verb->add_flag("--all", o->all, "print every op");
  verb->callback([o] { compare(*o); });
}

}  // namespace troika::apps
