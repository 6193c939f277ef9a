// Image files as pictures, pixel for pixel what the reference reads: Pillow's open, exif_transpose and
// convert("RGB"). JPEG (also progressive, grey, CMYK and YCCK), PNG (all kinds) and WebP (of an animated one
// the first frame), told apart by their bytes.
//
// Alpha is dropped, not blended, and colour profiles are ignored, as there. CMYK is read as Adobe writes it
// (inverted). Where the reference differs: 16-bit PNG gives its upper bytes, also for grey, where Pillow
// turns all above 255 white; a PNG must be whole and its pixels' checksums right, where Pillow forgives the
// last 20 bytes and checks only what follows from them; of the places where a PNG may keep an orientation,
// only eXIf and plain XMP are read; unreadable EXIF is passed over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "vision/picture.h"

namespace troika::vision {

// Checked against the header, before anything is decoded or allocated. Decoding takes up to 3 bytes a pixel,
// 6 for turned pictures, 7 for lossless WebP and 11 for progressive JPEG.
struct DecodeLimits {
  size_t max_bytes = size_t{64} << 20;     // of the file
  int64_t max_pixels = int64_t{64} << 20;  // 8192 x 8192
  int max_side = 65535;
};

// Throws Error: a kind of file that is not accepted (says which), damaged, cut short, or over a limit.
// Reentrant; prints nothing.
Picture decode(std::span<const std::byte> file, const DecodeLimits& limits = {});

}  // namespace troika::vision
