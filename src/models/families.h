// Every family's row; each is defined in the file of its name and listed in registry.cpp.
#pragma once

#include "models/architecture.h"

namespace troika::models {

extern const Architecture kLlama;
extern const Architecture kQwen2;
extern const Architecture kQwen2Vl;
extern const Architecture kQwen3;
extern const Architecture kQwen3Moe;
extern const Architecture kGemma2;
extern const Architecture kGemma3;
extern const Architecture kGemma3n;

}  // namespace troika::models
