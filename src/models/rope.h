// Rotary position embeddings: the frequencies of the published scalings, computed as the reference code does
// (float32, so that angles agree at every position).
#pragma once

#include <memory>

#include "models/fields.h"
#include "ops/program.h"

namespace troika::models {

// Reads theta and scaling (none, linear, llama3, yarn) from the file. YaRN: Peng et al. 2023, arXiv:2309.00071.
std::shared_ptr<const ops::RopeTable> read_rope(const Fields& fields, int head_dim, int context);

}  // namespace troika::models
