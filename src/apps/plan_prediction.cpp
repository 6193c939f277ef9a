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

std::vector<PictureTime> pictures(const Subject& s, const Prediction& p, plan::Recipe recipe) {
  const plan::PlannedModel tower{.trace = [&s](int tokens, int) { return models::trace(*s.tower, s.tower_spec, tokens); },
                                 .formats = plan::formats_of(s.tower_program, recipe, plan::Part::tower)};
  plan::Tapes tapes(tower);
  const int tokens = picture_tokens(s.tower_spec.processor);
  std::vector<PictureTime> all;
  for (const plan::Lane* lane : {&p.plan.main, p.plan.two_lanes ? &p.plan.side->lane : nullptr}) {
    if (!lane) continue;
    const double seconds = plan::LaneCosts(p.machine, tapes, lane->devices).step_s({.tokens = tokens});
    if (seconds < plan::kNever) all.push_back({lane->devices, tokens, seconds});
  }
  return all;
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
  if (s.tower && prediction.plan.refusal.empty()) prediction.pictures = pictures(s, prediction, recipe_of(s, p));
  prediction.targets = plan::limits_of_targets(s.program, s.model.spec.family, prediction.machine.bounds);
  return prediction;
}

}  // namespace troika::apps
