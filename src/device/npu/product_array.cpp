#include "device/npu/product_array.h"

#include <algorithm>

#include "base/log.h"
#include "device/device.h"

namespace troika::device::npu {

template <typename F>
void ProductArray::unless_lost(F f) {
  if (is_lost_) throw DeviceLost("the NPU was lost before");
  try {
    f();
  } catch (const troika::npu::ArrayError& error) {
    is_lost_ = true;
    throw DeviceLost(fmt::format("the NPU was lost: {}; {}", error.what(), troika::npu::count_loss(array_.plugin)));
  }
}

std::optional<ArrayBuffer> ProductArray::share(const GemmTile& tile, std::span<const std::byte> packed_w) {
  if (is_full_) return std::nullopt;
  try {
    ArrayBuffer buffer = context(tile).array.allocate(troika::npu::kArgumentW, packed_w.size());
    std::ranges::copy(packed_w, buffer.host().begin());
    buffer.to_device(0, buffer.size());
    return buffer;
  } catch (const troika::npu::ArrayError& error) {
    is_full_ = true;
    log::warn("the NPU takes no more weights ({}); the CPU multiplies with the others", error.what());
    return std::nullopt;
  }
}

Product& ProductArray::product(const GemmTile& tile, const GemmShape& shape) {
  std::unique_ptr<Product>& found = products_[{tile, shape.m, shape.n, shape.k}];
  if (!found) unless_lost([&] { found = std::make_unique<Product>(context(tile), shape); });
  return *found;
}

void ProductArray::start(Product& product, const ArrayBuffer& w) {
  unless_lost([&] { product.start(w); });
}

void ProductArray::finish(Product& product) {
  unless_lost([&] { product.finish(); });
}

std::shared_ptr<ProductArray> open_products(const troika::npu::ArrayOptions& options) {
  try {
    auto array = std::make_shared<ProductArray>(open_array(options));
    if (array->facts().is_simulated)
      log::warn("the NPU is simulated on the CPU, exactly and very slowly: no plug-in for a real one is installed or asked "
                "for");
    return array;
  } catch (const Error& error) {
    throw DeviceAbsent(fmt::format("no NPU: {}", error.what()));
  }
}

}  // namespace troika::device::npu
