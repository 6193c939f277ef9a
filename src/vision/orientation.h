// How a camera was held: the orientation of an image file, a number from 1 to 8 in its EXIF data or, where
// that has none, in its XMP text. Anything unreadable means upright; metadata never makes a picture unusable.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "vision/picture.h"

namespace troika::vision {

constexpr int kUpright = 1;

// Tag 0x112 of the first directory of a TIFF header, with or without "Exif\0\0" before it.
std::optional<int> exif_orientation(std::span<const std::byte> exif);
// tiff:Orientation, as attribute or element.
std::optional<int> xmp_orientation(std::span<const std::byte> xmp);

// The picture as it is to be looked at; orientations other than 2 to 8 change nothing.
Picture upright(Picture picture, int orientation);

}  // namespace troika::vision
