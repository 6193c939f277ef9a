// Fusion as one list of tape rewrites. Each rewrite replaces neighbouring ops by a fused one that computes the
// same; it is applied only where the caller says that the fused op will be supported, so that a device without
// the fused kernel keeps the parts.
#pragma once

#include <functional>

#include "ops/program.h"

namespace troika::ops {

// `supported` is asked for each candidate with the program it would belong to.
Program fuse(const Program& program, const std::function<bool(const Program&, const Op&)>& supported);

}  // namespace troika::ops
