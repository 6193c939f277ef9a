// How long a product takes: the slowest of the matrix units, the streams and the host's memory, plus the launch. The
// simulator moves every word; this is the same in a few multiplications, for planning.
#pragma once

#include "npu/cost/calibration.h"
#include "npu/gemm/tiling.h"

namespace troika::npu {

// What a core does for one tile: K steps of a product, and what stands around them.
struct TileWork {
  int m = 0, k = 0, n = 0;
  double macs_per_cycle = 0;
  double a_bytes = 0, b_bytes = 0;   // of a K step
  double c_bytes = 0;                // as it leaves
  double step_cycles = 0;            // besides the products, each K step
  double tile_cycles = 0;            // besides the K steps, each tile
  int more_steps = 0;                // of A and B, each tile, without a product
};

TileWork work_of(const GemmTile& tile);
// Tiles of other numbers, `bytes` each, with sums of 4 bytes: for comparison with what others published.
TileWork work_of(int m, int k, int n, double bytes, double macs_per_cycle);

struct Estimate {
  double array_s = 0;   // cores and their streams
  double memory_s = 0;  // meanwhile
  double ends_s = 0;    // the first tiles on their way in, the last ones on their way out: nothing hides them
  double launch_s = 0;
  double seconds() const { return launch_s + ends_s + (array_s > memory_s ? array_s : memory_s); }
};

enum class Launch { alone, chained };

Estimate estimate(const TileWork& work, const GemmShape& shape, const Calibration& calibration,
                  Launch launch = Launch::alone);
double tops(const GemmShape& shape, double seconds);

}  // namespace troika::npu
