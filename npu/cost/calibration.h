// What times depend on that no specification tells. The defaults are what was published of Phoenix, or assumed where
// nothing was (docs/npu.md); a machine's own values replace them.
#pragma once

namespace troika::npu {

struct Calibration {
  double clock_ghz = 1.0;        // the driver offers 0.8 to 1.6
  double efficiency = 0.45;      // of the matrix unit's peak, in our product kernels
  double read_gb_s = 20;         // from the host's memory, all columns together
  double write_gb_s = 10;
  double launch_us = 60;         // a run by itself
  double chained_us = 28;        // a run behind another one, submitted together
  double time_out_ms = 2000;     // after which the driver takes a run for dead
};

}  // namespace troika::npu
