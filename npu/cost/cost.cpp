#include "npu/cost/cost.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "npu/design/gemm_design.h"
#include "npu/kernels/catalogue.h"

namespace troika::npu {
namespace {

constexpr double kStreamBytes = 4;  // a cycle
constexpr double kStepsAhead = 2;   // K steps that a memory tile gathers before it passes them on

double vector_cycles(const std::string& kernel) {
  const kernels::Kernel* found = kernels::find(kernel);
  check(found, "a kernel of the catalogue");
  return double(found->vector_cycles);
}

}  // namespace

TileWork work_of(const GemmTile& tile) {
  TileWork work = work_of(tile.m, tile.k, tile.n, tile.unit().bytes, tile.unit().products_per_cycle);
  work.b_bytes = tile.b_bytes();
  work.c_bytes = tile.y_bytes();
  work.more_steps = tile.scale_steps();
  const GemmKernels kernels = kernels_of(tile);
  work.tile_cycles = vector_cycles(kernels.zero);
  if (!kernels.dequantise.empty()) work.step_cycles = vector_cycles(kernels.dequantise);
  if (!kernels.scale.empty()) work.tile_cycles += vector_cycles(kernels.scale);
  return work;
}

TileWork work_of(int m, int k, int n, double bytes, double macs_per_cycle) {
  return {m, k, n, macs_per_cycle, m * k * bytes, n * k * bytes, 4.0 * m * n};
}

Estimate estimate(const TileWork& work, const GemmShape& shape, const Calibration& calibration, Launch launch) {
  double blocks_m = std::ceil(double(shape.m) / (work.m * kCoreRows));
  double blocks_n = std::ceil(double(shape.n) / (work.n * kColumns));
  double steps = std::ceil(double(shape.k) / work.k);

  double products = double(work.m) * work.k * work.n / (work.macs_per_cycle * calibration.efficiency);
  double arrival = std::max(work.a_bytes, work.b_bytes) / kStreamBytes;
  double step = std::max(products + work.step_cycles, arrival);
  // A core has one C: it waits until that has left. A column's C share one stream.
  double tile = steps * step + work.more_steps * arrival + work.tile_cycles + work.c_bytes / kStreamBytes;
  tile = std::max(tile, kCoreRows * work.c_bytes / kStreamBytes);

  double blocks = blocks_m * blocks_n, hertz = calibration.clock_ghz * 1e9;
  double step_bytes = kCoreRows * work.a_bytes + kColumns * work.b_bytes;
  double block_bytes = kCoreRows * kColumns * work.c_bytes;
  double read_rate = calibration.read_gb_s * 1e9;
  double write_rate = std::min(calibration.write_gb_s * 1e9, kColumns * kStreamBytes * hertz);

  Estimate estimate;
  estimate.launch_s = (launch == Launch::chained ? calibration.chained_us : calibration.launch_us) * 1e-6;
  if (blocks == 0) return estimate;
  estimate.array_s = blocks * tile / hertz;
  estimate.memory_s = std::max(blocks * (steps + work.more_steps) * step_bytes / read_rate, blocks * block_bytes / write_rate);
  estimate.ends_s = kStepsAhead * step_bytes / read_rate + block_bytes / write_rate;
  return estimate;
}

double tops(const GemmShape& shape, double seconds) {
  return 2.0 * shape.m * shape.n * shape.k / seconds / 1e12;
}

}  // namespace troika::npu
