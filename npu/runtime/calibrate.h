// What only the array itself can tell of its speed, measured in about two seconds. Runs in a chain are not measured, since
// nobody chains them yet; nor is what all columns can read, for which there is no design: a product's rate is a lower bound.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "npu/runtime/gemm_array.h"

namespace troika::npu {

struct Measured {
  std::optional<double> clock_ghz;  // what the driver says; nothing: it does not, and 1 GHz is assumed below
  double launch_us;                 // a run that does nothing
  double read_gb_s;                 // at least
  std::map<std::string, double> efficiency;  // by design: of the matrix units' peak, with all that a K step needs
};

// `node`: of the NPU, "/dev/accel/accel0", which is asked for the clock. Throws ArrayError.
Measured calibrate(const GemmArray& array, const std::string& node);

}  // namespace troika::npu
