#include "device/npu/npu_weight.h"

#include <algorithm>

namespace troika::device::npu {
namespace {

troika::npu::sim::HostBuffer shared_with_array(const std::vector<std::byte>& bytes) {
  troika::npu::sim::HostBuffer buffer(bytes.size());
  std::ranges::copy(bytes, buffer.host().begin());
  buffer.to_device(0, bytes.size());
  return buffer;
}

ArrayMatrix packed(const troika::npu::W4Matrix& w, int most_x) {
  using troika::npu::kW4A8;
  return {kW4A8, w.n, w.k, most_x, w.channel_scale, shared_with_array(pack_w(kW4A8, w))};
}

ArrayMatrix packed(const troika::npu::W8Matrix& w, int most_x) {
  const troika::npu::GemmTile& tile = most_x > troika::npu::kMostX8 ? troika::npu::kW8A16 : troika::npu::kW8A8;
  return {tile, w.n, w.k, most_x, w.channel_scale, shared_with_array(pack_w(tile, {tile.block_m(), w.n, w.k}, w.values))};
}

}  // namespace

std::unique_ptr<ArrayMatrix> pack_matrix(const WeightView& view, WeightUse use, const Rounding& rounding) {
  std::optional<RoundedMatrix> rounded = round_matrix(view, use, rounding);
  if (!rounded) return nullptr;
  return std::visit([&](const auto& w) { return std::make_unique<ArrayMatrix>(packed(w, rounded->most_x)); }, rounded->values);
}

}  // namespace troika::device::npu
