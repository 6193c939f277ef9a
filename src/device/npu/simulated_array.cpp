#include "device/npu/simulated_array.h"

#include "device/device.h"
#include "npu/sim/fault.h"
#include "npu/txn/gemm_stream.h"

namespace troika::device::npu {

SimulatedArray::Context& SimulatedArray::context(const GemmTile& tile) {
  std::unique_ptr<Context>& found = contexts_[tile];
  if (!found) found = std::make_unique<Context>(tile);
  return *found;
}

ShapeOnArray& SimulatedArray::shape(const GemmTile& tile, const GemmShape& shape) {
  std::unique_ptr<ShapeOnArray>& found = shapes_[{tile, shape.m, shape.n, shape.k}];
  if (!found) {
    found = std::make_unique<ShapeOnArray>(ShapeOnArray{
        tile, shape, troika::npu::txn::gemm_stream(context(tile).design, shape),
        troika::npu::sim::HostBuffer(packed_x_bytes(tile, shape)), troika::npu::sim::HostBuffer(packed_y_bytes(tile, shape))});
  }
  return *found;
}

void SimulatedArray::multiply(ShapeOnArray& shape, troika::npu::sim::HostBuffer& w) {
  if (lost_) throw DeviceLost("the simulated NPU was lost before");
  troika::npu::sim::HostBuffer* arguments[] = {&shape.x, &w, &shape.y};
  shape.x.to_device(0, shape.x.size());
  try {
    context(shape.tile).simulator.run(shape.stream, arguments);
  } catch (const troika::npu::sim::Fault& fault) {
    lost_ = true;
    throw DeviceLost(fmt::format("the simulated NPU was lost: {}", fault.what()));
  }
  shape.y.from_device(0, shape.y.size());
}

}  // namespace troika::device::npu
