// What a model says of itself to users: its name, sizes, and the sampling that its makers recommend.
#pragma once

#include "engine/model.h"

namespace troika::engine {

// What its file says; no weight is counted yet.
ModelInfo file_info(const files::ModelFile& file, const models::ModelSpec& spec);

// All but what the engine settles later: the context it offers, and why it does not see.
ModelInfo model_info(const Model& model, const EngineOptions& options);

}  // namespace troika::engine
