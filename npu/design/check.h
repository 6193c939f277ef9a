// The static checker: what a design says against what the array can do. A design without violations fits; whether it
// computes the right thing, and comes to an end, the simulator tells.
#pragma once

#include <string>
#include <vector>

#include "npu/design/spec.h"

namespace troika::npu {

// A sentence for each violation, in the order of the design; none: all is well.
std::vector<std::string> violations(const DesignSpec& design);

}  // namespace troika::npu
