// Which requests begin alike: a number of the conversation that a request goes on with, so that it can go to the replica
// that has read its beginning.
#pragma once

#include <cstdint>
#include <optional>

#include "server/api_fields.h"

namespace troika::server {

// Nothing where the request does not show how it begins.
std::optional<uint64_t> conversation_of(const Asked& asked);

}  // namespace troika::server
