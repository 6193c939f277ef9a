// Where each activation lies in the arena: two tensors share bytes when they are never alive at the same time.
#pragma once

#include <cstddef>
#include <vector>

#include "ops/program.h"

namespace troika::plan {

struct MemoryPlan {
  std::vector<size_t> offsets;  // by tensor id; weights have 0
  size_t bytes = 0;             // of the whole arena
};

// First-fit along the tape: a tensor lives from the op that makes it to the last op that reads it, or to the attend that a
// device may put off turning and storing it to; the results (logits and states) live to the end. Offsets are multiples of 64.
MemoryPlan plan_memory(const ops::Program& program);

}  // namespace troika::plan
