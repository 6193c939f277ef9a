// Texts that come as strings or as token ids, one or several.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/engine.h"
#include "server/json_input.h"

namespace troika::server {

// The tokens of each: text, ids, a list of texts or a list of lists of ids; BOS in front of text where the model wants
// it. Throws ApiError that names the field: none may be empty, and there may be `most` of them.
std::vector<std::vector<int32_t>> read_texts(const Fields& fields, std::string_view name, size_t most,
                                             const engine::Engine& engine);

}  // namespace troika::server
