// A party of the array that does one thing after the other: a core, a channel, the controller. What it waits for is kept,
// so that a deadlock can be explained.
#pragma once

#include <string>

#include "npu/sim/races.h"

namespace troika::npu::sim {

struct Agent {
  std::string name;
  Races::Party party;
  std::string waits_for;  // "" while it does not
};

}  // namespace troika::npu::sim
