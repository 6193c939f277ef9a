#include "npu/runtime/gemm_array.h"

#include <algorithm>

#include "npu/txn/gemm_stream.h"

namespace troika::npu {

const GemmContext* GemmArray::find(const GemmTile& tile) const {
  const auto found = std::ranges::find(contexts, tile, [](const GemmContext& context) { return context.design.tile; });
  return found == contexts.end() ? nullptr : &*found;
}

const GemmContext& GemmArray::context(const GemmTile& tile) const {
  const GemmContext* found = find(tile);
  check(found != nullptr, "an array that is configured for the tile");
  return *found;
}

Product::Product(const GemmContext& context, const GemmShape& shape)
    : tile(context.design.tile),
      shape(shape),
      x(context.array.allocate(kArgumentX, packed_x_bytes(tile, shape))),
      y(context.array.allocate(kArgumentY, packed_y_bytes(tile, shape))),
      stream(context.array.prepare(txn::gemm_stream(context.design, shape))) {}

void Product::start(const ArrayBuffer& w) {
  x.to_device(0, x.size());
  const ArrayBuffer* arguments[] = {&x, &w, &y};
  stream.start(arguments);
}

void Product::finish() {
  stream.wait();
  y.from_device(0, y.size());
}

}  // namespace troika::npu
