// Finding the weights that a tape names in the file that should hold them.
#pragma once

#include <string>
#include <vector>

#include "files/model_file.h"
#include "models/weight_names.h"
#include "ops/program.h"

namespace troika::engine {

// Every weight of the tape, in its order. Throws one Error that names all that are missing or have another shape.
std::vector<models::FoundWeight> find_weights(const files::ModelFile& file, const models::WeightNames& names,
                                              int head_dim, const ops::Program& program);

// "the first, the second, …"
std::string first_of(const std::vector<std::string>& all, size_t most, std::string_view separator);

}  // namespace troika::engine
