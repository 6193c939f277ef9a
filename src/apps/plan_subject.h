// The model that troika plan is asked about, as its tape tells it: from a config.json or a file's header; no weight is read.
#pragma once

#include "apps/model_options.h"
#include "engine/model.h"
#include "models/tower.h"

namespace troika::apps {

struct Subject {
  engine::Model model;   // without weights
  ops::Program program;  // one token, not fused: the model's own operations
  const models::Tower* tower = nullptr;
  models::TowerSpec tower_spec;
  ops::Program tower_program;

  bool has_weights() const { return model.file->bytes() > 0; }
};

Subject examine(const ModelOptions& options);  // throws Error

}  // namespace troika::apps
