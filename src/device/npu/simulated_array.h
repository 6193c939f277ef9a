// The array that products run on: simulated (npu/sim), since there is no driver for a real one yet. It gets what a real one
// would: a design for each kind of tile, an instruction stream for each shape, buffers whose addresses a run is given.
#pragma once

#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "npu/design/gemm_design.h"
#include "npu/sim/simulator.h"

namespace troika::device::npu {

using troika::npu::GemmShape;
using troika::npu::GemmTile;

// All that products of one shape share: one runs at a time.
struct ShapeOnArray {
  GemmTile tile;
  GemmShape shape;
  std::vector<uint32_t> stream;
  troika::npu::sim::HostBuffer x, y;
};

class SimulatedArray {
 public:
  // Made when a shape is first asked for. Throws Error when it does not fill blocks or is too large for one run.
  ShapeOnArray& shape(const GemmTile& tile, const GemmShape& shape);
  // Y = X · Wᵀ, with `w` packed and synchronised. Throws DeviceLost, and ever after.
  void multiply(ShapeOnArray& shape, troika::npu::sim::HostBuffer& w);

 private:
  // An array that was configured with a design.
  struct Context {
    troika::npu::GemmDesign design;
    troika::npu::sim::Simulator simulator;
    explicit Context(const GemmTile& tile) : design(troika::npu::make_gemm_design(tile)), simulator(design.spec) {}
  };
  Context& context(const GemmTile& tile);

  std::map<GemmTile, std::unique_ptr<Context>> contexts_;
  std::map<std::tuple<GemmTile, int, int, int>, std::unique_ptr<ShapeOnArray>> shapes_;
  bool lost_ = false;
};

}  // namespace troika::device::npu
