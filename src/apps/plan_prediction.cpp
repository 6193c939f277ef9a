#include "apps/plan_prediction.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "apps/calibration.h"
#include "apps/plan_sizes.h"
#include "apps/plan_structure.h"
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

// As they will lie in memory, of the whole model.
plan::Formats formats_in_file(const Subject& s, const ModelOptions& o) {
  const models::ModelSpec whole = s.model.architecture->read(*s.model.file);
  const ops::Program program = models::trace(*s.model.architecture, whole, 1, 1);
  const auto weights = engine::find_weights(*s.model.file, s.model.architecture->names, whole.head_dim, program);
  return engine::loaded_formats(weights, program, o.engine_options());
}

plan::ModelSizes sizes_of(const Subject& s, const ModelOptions& o, const PredictionOptions& p, const plan::Formats& formats) {
  plan::ModelSizes sizes{.layers = slice_of("", s.model.spec).layers,
                         .width = s.model.spec.width,
                         .context = contexts(o, s.model.spec).front(),
                         .users = p.users};
  for (const ops::CacheInfo& cache : s.program.caches) {
    sizes.cache_bytes.push_back(double(plan::cache_bytes(s.program, cache, s.model.kv_format, sizes.context)));
  }
  sizes.working = double(working_bytes(s, sizes.context));
  if (s.tower) {
    const bool is_float = std::ranges::all_of(formats, [](const auto& f) { return info(f.second).block_values == 1; });
    sizes.tower =
        double(plan::weight_bytes(s.tower_program, is_float ? plan::Recipe::bf16 : plan::Recipe::q8_0, plan::Part::tower));
  }
  return sizes;
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
  prediction.sizes = sizes_of(s, o, p, model.formats);
  prediction.plan = plan::plan_for(prediction.machine, model, prediction.sizes);
  prediction.targets = plan::limits_of_targets(s.program, s.model.spec.family, prediction.machine.bounds);
  return prediction;
}

}  // namespace troika::apps
