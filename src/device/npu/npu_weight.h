// A weight as the NPU's device holds it: packed for the array where that multiplies with it, and always as the CPU reads it,
// which does the rest.
#pragma once

#include <memory>
#include <vector>

#include "device/device.h"
#include "device/npu/product_array.h"

namespace troika::device::npu {

struct ArrayMatrix {
  GemmTile tile;
  int n, k;  // padded to whole blocks
  std::vector<float> channel_scale;
  ArrayBuffer packed;
};

struct NpuWeight : Weight {
  Shape shape;
  std::shared_ptr<Weight> on_cpu;
  std::vector<float> vector;            // of a weight that is one, in float32: a bias
  std::unique_ptr<ArrayMatrix> matrix;  // null: only the CPU multiplies with it
};

// Null where the array does not multiply with it (rounding.h), or has no room.
std::unique_ptr<ArrayMatrix> pack_matrix(ProductArray& array, const WeightView& view, WeightUse use, double most_error);

}  // namespace troika::device::npu
