// How much memory a loaded model leaves for caches.
#pragma once

#include <cstddef>

#include "engine/model.h"

namespace troika::engine {

// Bytes for the caches of `tape` together, as far as each device has some for its share of them. Weights that devices still put
// off come first.
size_t room_for_caches(const Model& model, const Tape& tape);

}  // namespace troika::engine
