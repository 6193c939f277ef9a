// Gemma 3n's two halves, numbers and structure, and what both know.
#pragma once

#include "models/spec.h"
#include "ops/builder.h"

namespace troika::models {

// The layer whose keys and values `layer` looks at: itself, or the last one of its kind that has its own.
// −1 when there is none.
int key_layer(const ModelSpec& s, int layer);

ops::Tensor build_gemma3n(const ModelSpec& s, ops::Builder& b);

}  // namespace troika::models
