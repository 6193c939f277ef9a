// What the numbers in the cache depend on besides the text: the model's files, and how they are computed with.
#pragma once

#include "engine/model.h"
#include "vision/content_hash.h"

namespace troika::engine {

// Of the names, sizes and times of the model's files, samples of their bytes, and the options that change a number.
vision::Hash fingerprint(const Model& model, const EngineOptions& options);

}  // namespace troika::engine
