#pragma once

#include "models/architecture.h"

namespace troika::models {

extern const Architecture kQwen2;

}  // namespace troika::models
