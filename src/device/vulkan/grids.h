// The code books of the IQ formats as the shaders read them (shaders/lib/code_book.glsl): from memory, since
// they are too large for constants.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/format.h"

namespace troika::device::vulkan {

// The entries of the format's book, one or two words each, the first number in the lowest byte of the first;
// empty: the format has none.
std::vector<uint32_t> grid_words(Format format);

}  // namespace troika::device::vulkan
