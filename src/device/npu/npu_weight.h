// A weight as the NPU's device holds it: a matrix packed for the array, or a bias that the host adds to its sums.
#pragma once

#include <memory>
#include <vector>

#include "device/device.h"
#include "device/npu/rounding.h"
#include "npu/gemm/tiling.h"
#include "npu/sim/host_buffer.h"

namespace troika::device::npu {

struct ArrayMatrix {
  troika::npu::GemmTile tile;
  int n, k;  // padded to whole blocks
  int most_x;  // the largest value of a row
  std::vector<float> channel_scale;
  troika::npu::sim::HostBuffer packed;
};

struct NpuWeight : Weight {
  Shape shape;
  std::vector<float> vector;            // of a bias, in float32
  std::unique_ptr<ArrayMatrix> matrix;  // null: it is a bias
};

// Null where the array does not multiply with it (rounding.h).
std::unique_ptr<ArrayMatrix> pack_matrix(const WeightView& view, WeightUse use, const Rounding& rounding);

}  // namespace troika::device::npu
