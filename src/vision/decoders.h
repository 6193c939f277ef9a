// What decode.cpp and the three decoders share. Each decoder is one file that knows one library; it returns
// the picture as stored and leaves the orientation to the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "vision/decode.h"
#include "vision/orientation.h"
#include "vision/picture.h"

namespace troika::vision {

using Bytes = std::span<const std::byte>;

struct Decoded {
  Picture picture;
  int orientation = kUpright;
};

Decoded decode_jpeg(Bytes file, const DecodeLimits& limits);
Decoded decode_png(Bytes file, const DecodeLimits& limits);
Decoded decode_webp(Bytes file, const DecodeLimits& limits);

// Throws Error when a picture of this size is refused. Called with the header's numbers, before any
// allocation.
void check_size(std::string_view kind, int64_t width, int64_t height, const DecodeLimits& limits);

}  // namespace troika::vision
