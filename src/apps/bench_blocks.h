// Weights to measure with: their values do not matter, but must be ordinary numbers.
#pragma once

#include <cstdint>
#include <string>

#include "tensor/format.h"

namespace troika::apps {

// A matrix [rows, columns] in memory of its own. Throws Error when its blocks do not divide the columns.
WeightView random_weight(std::string name, Format format, const Shape& shape, uint32_t seed);

}  // namespace troika::apps
