// Published models as the planner takes them: their config.json, weights in a common recipe.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "files/config_file.h"
#include "models/architecture.h"
#include "plan/footprint.h"
#include "plan/planner.h"

namespace troika::plan {

struct Published {
  std::unique_ptr<files::ModelFile> file;
  const models::Architecture* architecture;
  models::ModelSpec spec;

  explicit Published(const std::string& name)
      : file(files::open_config(std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/models/published" / (name + ".json"))),
        architecture(&models::architecture_of(*file)),
        spec(architecture->read(*file)) {}

  ops::Program trace(int tokens, int outputs) const { return models::trace(*architecture, spec, tokens, outputs); }
  PlannedModel planned(Recipe recipe) const {
    return {.trace = [this](int tokens, int outputs) { return trace(tokens, outputs); },
            .formats = formats_of(trace(1, 1), recipe, Part::decoder)};
  }
  ModelSizes sizes(int context = 4096, int users = 1) const {
    ModelSizes s{.working = 1e8, .layers = spec.layers, .width = spec.width, .context = context, .users = users};
    for (const ops::CacheInfo& cache : trace(1, 1).caches)
      s.cache_bytes.push_back(4.0 * context * cache.kv_heads * cache.head_dim);
    return s;
  }
};

}  // namespace troika::plan
