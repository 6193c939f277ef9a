// Fusion as one list of tape rewrites. Each rewrite replaces neighbouring ops by a fused one that computes the
// same; it is applied only where the caller says that the fused op will be supported, so that a device without
// the fused kernel keeps the parts.
#pragma once

#include <functional>
#include <vector>

#include "ops/program.h"

namespace troika::ops {

// `supported` is asked for each candidate with the program it would belong to.
Program fuse(const Program& program, const std::function<bool(const Program&, const Op&)>& supported);

// The same for a tape whose ops have devices, by number: only what stands on one is fused, and goes to that one.
// `device_of_op` follows.
Program fuse(const Program& program, std::vector<int>& device_of_op,
             const std::function<bool(const Program&, const Op&, int device)>& supported);

}  // namespace troika::ops
