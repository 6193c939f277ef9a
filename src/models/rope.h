// Rotary position embeddings: the frequencies of the published scalings, computed as the reference code does
// (float32, so that angles agree at every position).
#pragma once

#include <memory>

#include "models/fields.h"
#include "ops/program.h"

namespace troika::models {

// Reads theta (`theta` when the file does not say) and scaling (none, linear, llama3, yarn), and M-RoPE's sections.
// YaRN: Peng et al. 2023, arXiv:2309.00071. M-RoPE: Wang et al. 2024, arXiv:2409.12191.
std::shared_ptr<const ops::RopeTable> read_rope(const Fields& fields, int head_dim, int context, double theta = 10000);

// Of layers with a window, where a family gives them a base of their own; never scaled.
std::shared_ptr<const ops::RopeTable> read_local_rope(const Fields& fields, int head_dim, double theta);

}  // namespace troika::models
