// The array as the device uses it: a product for each shape, made when it is first asked for, and lost for good with the first
// fault.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <tuple>

#include "npu/runtime/open.h"

namespace troika::device::npu {

using troika::npu::ArrayBuffer;
using troika::npu::GemmShape;
using troika::npu::GemmTile;
using troika::npu::Product;

class ProductArray {
 public:
  explicit ProductArray(troika::npu::OpenedArray array) : array_(std::move(array)) {}

  const troika::npu::abi::Facts& facts() const { return array_.gemm.facts; }
  bool has(const GemmTile& tile) const { return array_.gemm.find(tile) != nullptr; }
  // A packed matrix where the array reads it; nothing: it takes no more, and the log says why.
  std::optional<ArrayBuffer> share(const GemmTile& tile, std::span<const std::byte> packed_w);
  // All layers of a shape share it. Throws Error when it does not fill blocks or is too large for one run, and DeviceLost.
  Product& product(const GemmTile& tile, const GemmShape& shape);
  // Both throw DeviceLost, and ever after.
  void start(Product& product, const ArrayBuffer& w);
  void finish(Product& product);

 private:
  template <typename F>
  void unless_lost(F f);
  const troika::npu::GemmContext& context(const GemmTile& tile) const { return array_.gemm.context(tile); }

  troika::npu::OpenedArray array_;
  std::map<std::tuple<GemmTile, int, int, int>, std::unique_ptr<Product>> products_;
  bool is_full_ = false, is_lost_ = false;
};

// Throws DeviceAbsent.
std::shared_ptr<ProductArray> open_products(const troika::npu::ArrayOptions& options);

}  // namespace troika::device::npu
