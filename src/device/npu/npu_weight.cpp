#include "device/npu/npu_weight.h"

#include "device/npu/rounding.h"

namespace troika::device::npu {
namespace {

// Null: no room.
template <typename Matrix>
std::unique_ptr<ArrayMatrix> shared(ProductArray& array, const GemmTile& tile, const Matrix& w,
                                    const std::vector<std::byte>& packed) {
  std::optional<ArrayBuffer> buffer = array.share(tile, packed);
  if (!buffer) return nullptr;
  return std::make_unique<ArrayMatrix>(ArrayMatrix{tile, w.n, w.k, w.channel_scale, *buffer});
}

std::unique_ptr<ArrayMatrix> packed(ProductArray& array, const troika::npu::W4Matrix& w) {
  using troika::npu::kW4A8;
  return shared(array, kW4A8, w, pack_w(kW4A8, w));
}

std::unique_ptr<ArrayMatrix> packed(ProductArray& array, const troika::npu::W8Matrix& w) {
  using troika::npu::kW8A8;
  return shared(array, kW8A8, w, pack_w(kW8A8, {kW8A8.block_m(), w.n, w.k}, w.values));
}

}  // namespace

std::unique_ptr<ArrayMatrix> pack_matrix(ProductArray& array, const WeightView& view, WeightUse use, double most_error) {
  std::optional<RoundedMatrix> rounded = round_matrix(view, use, most_error);
  if (!rounded) return nullptr;
  return std::visit([&](const auto& w) { return packed(array, w); }, *rounded);
}

}  // namespace troika::device::npu
