#include "apps/plan_prediction.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "apps/calibration.h"
#include "apps/plan_sizes.h"
#include "apps/plan_structure.h"
#include "apps/plan_wishes.h"
#include "base/error.h"
#include "engine/weights.h"
#include "plan/footprint.h"

namespace troika::apps {
namespace {

plan::Recipe recipe_named(const std::string& name) {
  std::vector<std::string_view> names;
  for (plan::Recipe recipe : plan::kRecipes) {
    if (name == name_of(recipe)) return recipe;
    names.push_back(name_of(recipe));
  }
  fail("--weights {}: there is no such recipe; choose among {}", name, fmt::join(names, ", "));
}

// Safetensors hold a tower as it was trained.
plan::Recipe recipe_of(const Subject& s, const PredictionOptions& p) {
  return s.has_weights() ? plan::Recipe::bf16 : recipe_named(p.weights);
}

// As they will lie in memory, of the whole model.
plan::Formats formats_in_file(const Subject& s, const ModelOptions& o) {
  const models::ModelSpec whole = s.model.architecture->read(*s.model.file);
  const ops::Program program = models::trace(*s.model.architecture, whole, 1, 1);
  const auto weights = engine::find_weights(*s.model.file, s.model.architecture->names, whole.head_dim, program);
  return engine::loaded_formats(weights, program, o.engine_options());
}

plan::ModelSizes sizes_of(const Subject& s, const ModelOptions& o, const PredictionOptions& p) {
  plan::ModelSizes sizes{.layers = slice_of("", s.model.spec).layers,
                         .width = s.model.spec.width,
                         .context = contexts(o, s.model.spec).front(),
                         .users = p.users};
  for (const ops::CacheInfo& cache : s.program.caches) {
    sizes.cache_bytes.push_back(double(plan::cache_bytes(s.program, cache, s.model.kv_format, sizes.context)));
  }
  sizes.working = double(working_bytes(s, sizes.context));
  if (s.tower) sizes.tower = double(plan::weight_bytes(s.tower_program, recipe_of(s, p), plan::Part::tower));
  return sizes;
}

// A picture of the tower's own size, or of a usual one.
int picture_tokens(const vision::ProcessorSpec& p) {
  constexpr int kUsualSide = 16;  // 448 pixels, 28 for each token
  const int side = p.rule == vision::ResizeRule::fixed ? p.size / p.patch / p.merge : kUsualSide;
  return side * side;
}

// A picture on each lane, and with the tower's products on a device that only multiplies: if that is faster, the plan has it.
void add_pictures(const Subject& s, Prediction& p, plan::Recipe recipe) {
  const plan::PlannedModel tower{.trace = [&s](int tokens, int) { return models::trace(*s.tower, s.tower_spec, tokens); },
                                 .formats = plan::formats_of(s.tower_program, recipe, plan::Part::tower)};
  plan::Tapes tapes(tower);
  const int tokens = picture_tokens(s.tower_spec.processor);
  const auto seconds = [&](const std::vector<size_t>& devices, const plan::Pins& pins) {
    return plan::LaneCosts(p.machine, tapes, devices, {}, pins).step_s({.tokens = tokens});
  };
  const auto add = [&](const std::vector<size_t>& devices, double s) {
    if (s < plan::kNever) p.pictures.push_back({devices, tokens, s});
  };
  const size_t front = size_t(p.plan.main.decode.device_of_op[0]);
  const double alone_s = seconds({front}, {});
  add({front}, alone_s);
  if (p.plan.two_lanes) add(p.plan.side->lane.devices, seconds(p.plan.side->lane.devices, {}));
  if (!p.plan.wishes.pins.empty() || p.plan.main.split) return;
  double best_s = alone_s;
  for (size_t d = 0; d < p.machine.devices.size(); ++d) {
    const std::vector<size_t>& listed = p.plan.wishes.devices;
    const bool may = listed.empty() || std::ranges::count(listed, d) > 0;
    if (!may || d == front || p.machine.devices[d].speed("rows")) continue;
    const plan::Pins on_it{{.device = int(d), .kind = ops::OpKind::linear, .part = "", .layers = {}, .text = "vision"}};
    const double helped_s = seconds({std::min(front, d), std::max(front, d)}, on_it);
    add({front, d}, helped_s);
    if (helped_s < best_s) best_s = helped_s, p.plan.vision = d;
  }
}

}  // namespace

plan::PlannedModel planned_model(const Subject& s, const ModelOptions& o, const std::string& recipe) {
  return {
      .trace = [&s](int tokens, int outputs) { return models::trace(*s.model.architecture, s.model.spec, tokens, outputs); },
      .formats = s.has_weights() ? formats_in_file(s, o) : plan::formats_of(s.program, recipe_named(recipe)),
      .cache = s.model.kv_format};
}

Prediction predict(const Subject& s, const ModelOptions& o, const PredictionOptions& p) {
  Prediction prediction;
  prediction.machine = find_machine(p.hardware, prediction.machine_from);
  prediction.weights = s.has_weights() ? "the file's" : p.weights;
  const plan::PlannedModel model = planned_model(s, o, p.weights);
  prediction.sizes = sizes_of(s, o, p);
  const plan::Wishes wishes = wishes_of(o, prediction.machine, prediction.sizes.layers);
  prediction.plan = plan::plan_for(prediction.machine, model, prediction.sizes, wishes);
  if (s.tower && prediction.plan.refusal.empty()) add_pictures(s, prediction, recipe_of(s, p));
  prediction.targets = plan::limits_of_targets(s.program, s.model.spec.family, prediction.machine.bounds);
  return prediction;
}

}  // namespace troika::apps
