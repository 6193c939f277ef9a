// What --alias says: names that stand for models.
#pragma once

#include <string>
#include <vector>

#include "server/model_source.h"
#include "server/server.h"

namespace troika::apps {

// Each text is NAME=MODEL[,MODEL…], or several of these with semicolons between them. `offers` are the models as the
// server knows them; others are looked for in all spellings. Throws Error that quotes what makes no sense.
std::vector<server::ModelAlias> read_aliases(const std::vector<std::string>& texts,
                                             const std::vector<server::OfferedModel>& offers);

}  // namespace troika::apps
