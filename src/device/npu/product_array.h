// The array as the device uses it: a product for each shape, made when it is first asked for, and lost for good with the first
// fault. What it refuses, since it has no room, others do; that is no fault.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>

#include "npu/runtime/open.h"

namespace troika::device::npu {

using troika::npu::ArrayBuffer;
using troika::npu::GemmShape;
using troika::npu::GemmTile;
using troika::npu::Product;

// A packed matrix where the array reads it, and the product of one block of rows with it, for which there is always room.
struct SharedMatrix {
  ArrayBuffer w;
  Product* block;  // the array's
};

class ProductArray {
 public:
  explicit ProductArray(troika::npu::OpenedArray array) : array_(std::move(array)) {}

  const troika::npu::abi::Facts& facts() const { return array_.gemm.facts; }
  bool has(const GemmTile& tile) const { return array_.gemm.find(tile) != nullptr; }
  // [n, k] as the tile has it. Nothing: the array takes no more, and the log says why.
  std::optional<SharedMatrix> share(const GemmTile& tile, int n, int k, std::span<const std::byte> packed_w);
  // All layers of a shape share it; null: there is no room. Throws Error when it does not fill blocks or is too large for one
  // run.
  Product* product(const GemmTile& tile, const GemmShape& shape);
  // Both throw DeviceLost: after a fault ever after, after a refusal not.
  void start(Product& product, const ArrayBuffer& w);
  void finish(Product& product);

 private:
  template <typename F>
  void run(F f);
  template <typename F>
  auto reserve(F f) -> std::optional<decltype(f())>;
  std::string lose(const troika::npu::ArrayError& error);  // says what happened and what becomes of the array
  const troika::npu::GemmContext& context(const GemmTile& tile) const { return array_.gemm.context(tile); }

  troika::npu::OpenedArray array_;
  std::map<std::tuple<GemmTile, int, int, int>, std::unique_ptr<Product>> products_;
  bool is_full_ = false, is_lost_ = false;
  std::string why_not_;  // the last thing was not reserved
};

// Throws DeviceAbsent.
std::shared_ptr<ProductArray> open_products(const troika::npu::ArrayOptions& options);

}  // namespace troika::device::npu
