// References to items of responses that are kept: {"type": "item_reference", "id": …}, for which the item itself is read.
#pragma once

#include <string>

#include "server/json_input.h"
#include "server/response_store.h"

namespace troika::server {

// Puts the items themselves in place of references among the items of the field `input`; each of the others has an id.
// Throws ApiError (400) for an item that `owner` has not in memory, and for one that is referred to twice.
void resolve_references(Json& items, const ResponseStore& store, const std::string& owner);

}  // namespace troika::server
