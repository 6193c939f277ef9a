#include "device/npu/npu_weight.h"

#include <algorithm>

#include "device/npu/rounding.h"

namespace troika::device::npu {
namespace {

troika::npu::sim::HostBuffer shared_with_array(const std::vector<std::byte>& bytes) {
  troika::npu::sim::HostBuffer buffer(bytes.size());
  std::ranges::copy(bytes, buffer.host().begin());
  buffer.to_device(0, bytes.size());
  return buffer;
}

ArrayMatrix packed(const troika::npu::W4Matrix& w) {
  using troika::npu::kW4A8;
  return {kW4A8, w.n, w.k, w.channel_scale, shared_with_array(pack_w(kW4A8, w))};
}

ArrayMatrix packed(const troika::npu::W8Matrix& w) {
  using troika::npu::kW8A8;
  return {kW8A8, w.n, w.k, w.channel_scale, shared_with_array(pack_w(kW8A8, {kW8A8.block_m(), w.n, w.k}, w.values))};
}

}  // namespace

std::unique_ptr<ArrayMatrix> pack_matrix(const WeightView& view, WeightUse use, double most_error) {
  std::optional<RoundedMatrix> rounded = round_matrix(view, use, most_error);
  if (!rounded) return nullptr;
  return std::visit([](const auto& w) { return std::make_unique<ArrayMatrix>(packed(w)); }, *rounded);
}

}  // namespace troika::device::npu
