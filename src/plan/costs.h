// What each op of a tape takes on each device of a machine: the longer of reading what it must read from memory and of its
// arithmetic, at the speeds of hardware.h.
#pragma once

#include <optional>
#include <string>

#include "ops/program.h"
#include "plan/footprint.h"
#include "plan/hardware.h"
#include "tensor/format.h"

namespace troika::plan {

// Whose tokens a step has: T of the tape in equal parts of `sequences`, each behind `depth` tokens that are in the cache.
struct Load {
  int sequences = 1, depth = 0;
};

// What an op must do whatever does it.
struct OpWork {
  std::string work;       // the speed that counts: "q4_k", "attention", "rows"
  int rows = 0;           // of what it computes
  double bytes = 0;       // from memory: of weights and of the cache
  double per_row = 0;     // operations for each row or, of "rows", bytes moved
};
OpWork work_of(const ops::Program& program, const ops::Op& op, const Formats& formats, Format cache, Load load);

// Seconds; nothing where the device does no such work.
std::optional<double> seconds(const DeviceCosts& device, const OpWork& work);

}  // namespace troika::plan
