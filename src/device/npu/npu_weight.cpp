#include "device/npu/npu_weight.h"

namespace troika::device::npu {
namespace {

// Null: no room.
template <typename Matrix>
std::unique_ptr<ArrayMatrix> shared(ProductArray& array, const GemmTile& tile, const Matrix& w, int most_x,
                                    const std::vector<std::byte>& packed) {
  const std::optional<SharedMatrix> found = array.share(tile, w.n, w.k, packed);
  if (!found) return nullptr;
  return std::make_unique<ArrayMatrix>(ArrayMatrix{tile, w.n, w.k, most_x, w.channel_scale, *found});
}

std::unique_ptr<ArrayMatrix> packed(ProductArray& array, const troika::npu::W4Matrix& w, int most_x) {
  using troika::npu::kW4A8;
  return shared(array, kW4A8, w, most_x, pack_w(kW4A8, w));
}

std::unique_ptr<ArrayMatrix> packed(ProductArray& array, const troika::npu::W8Matrix& w, int most_x) {
  const GemmTile& tile = most_x > troika::npu::kMostX8 ? troika::npu::kW8A16 : troika::npu::kW8A8;
  return shared(array, tile, w, most_x, pack_w(tile, {tile.block_m(), w.n, w.k}, w.values));
}

}  // namespace

std::unique_ptr<ArrayMatrix> pack_matrix(ProductArray& array, const WeightView& view, WeightUse use,
                                         const Rounding& rounding) {
  std::optional<RoundedMatrix> rounded = round_matrix(view, use, rounding);
  if (!rounded) return nullptr;
  return std::visit([&](const auto& w) { return packed(array, w, rounded->most_x); }, rounded->values);
}

}  // namespace troika::device::npu
