// Which caches rotate a head's numbers before they round them, and how many together. Keys, and the queries that they
// are multiplied with, are rotated alike, so that their products stay what they were; values are rotated when they are
// stored, and what attention makes of them is rotated back (kernels/hadamard.h).
#pragma once

#include "tensor/format.h"

namespace troika {

// Numbers of a head that are rotated together: the largest power of two that divides D; 0: the format needs none.
constexpr int rotation(Format format, int head_dim) { return format == Format::q4_0 ? head_dim & -head_dim : 0; }

}  // namespace troika
