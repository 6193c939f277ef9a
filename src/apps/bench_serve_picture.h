// Pictures for a load: coloured rectangles, each another one, as a data: URL.
#pragma once

#include <cstdint>
#include <string>

namespace troika::apps::load {

// A PNG of `side` × `side` pixels that follows from the seed. Throws Error when libpng cannot write it.
std::string picture_url(uint64_t seed, int side);

}  // namespace troika::apps::load
