// A weight as the NPU's device holds it: a matrix that is packed where the array reads it, or a bias.
#pragma once

#include <memory>
#include <vector>

#include "device/device.h"
#include "device/npu/product_array.h"
#include "device/npu/rounding.h"

namespace troika::device::npu {

struct ArrayMatrix {
  GemmTile tile;
  int n, k;  // padded to whole blocks
  int most_x;  // the largest value of a row
  std::vector<float> channel_scale;
  SharedMatrix shared;

  size_t bytes() const { return shared.w.size() + channel_scale.size() * sizeof(float); }
};

struct NpuWeight : Weight {
  Shape shape;
  std::vector<float> vector;            // of a bias, in float32
  std::unique_ptr<ArrayMatrix> matrix;  // null: it is a bias
};

// Null where the array does not multiply with it (rounding.h), or has no room.
std::unique_ptr<ArrayMatrix> pack_matrix(ProductArray& array, const WeightView& view, WeightUse use, const Rounding& rounding);

}  // namespace troika::device::npu
