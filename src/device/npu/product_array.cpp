#include "device/npu/product_array.h"

#include <algorithm>

#include "base/log.h"
#include "device/device.h"

namespace troika::device::npu {

using troika::npu::ArrayError;

namespace {

bool is_refused(const ArrayError& error) { return error.result == troika::npu::abi::Result::refused; }

}  // namespace

std::string ProductArray::lose(const ArrayError& error) {
  is_lost_ = true;
  return fmt::format("the NPU was lost: {}; {}", error.what(), troika::npu::count_loss(array_.plugin, array_.life));
}

template <typename F>
void ProductArray::run(F f) {
  if (is_lost_) throw DeviceLost("the NPU was lost before");
  try {
    f();
  } catch (const ArrayError& error) {
    throw DeviceLost(is_refused(error) ? fmt::format("the NPU refuses a run: {}", error.what()) : lose(error));
  }
}

// Nothing: it is refused, or the array is lost.
template <typename F>
auto ProductArray::reserve(F f) -> std::optional<decltype(f())> {
  if (is_lost_) return std::nullopt;
  try {
    return f();
  } catch (const ArrayError& error) {
    why_not_ = is_refused(error) ? error.what() : lose(error);
    return std::nullopt;
  }
}

std::optional<SharedMatrix> ProductArray::share(const GemmTile& tile, int n, int k, std::span<const std::byte> packed_w) {
  if (is_full_) return std::nullopt;
  if (Product* const block = product(tile, {tile.block_m(), n, k})) {
    const auto matrix = reserve([&] {
      ArrayBuffer w = context(tile).array.allocate(troika::npu::kArgumentW, packed_w.size());
      std::ranges::copy(packed_w, w.host().begin());
      w.to_device(0, w.size());
      return SharedMatrix{w, block};
    });
    if (matrix) return matrix;
  }
  is_full_ = true;
  log::warn("the NPU takes no more weights ({}); the rest of the device list multiplies with the others", why_not_);
  return std::nullopt;
}

Product* ProductArray::product(const GemmTile& tile, const GemmShape& shape) {
  std::unique_ptr<Product>& found = products_[{tile, shape.m, shape.n, shape.k}];
  if (!found) {
    auto made = reserve([&] { return std::make_unique<Product>(context(tile), shape); });
    if (made) found = std::move(*made);
  }
  return found.get();
}

void ProductArray::start(Product& product, const ArrayBuffer& w) {
  run([&] { product.start(w); });
}

void ProductArray::finish(Product& product) {
  run([&] { product.finish(); });
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
