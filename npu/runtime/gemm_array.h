// An array that multiplies: configured once for each design that is used.
#pragma once

#include <vector>

#include "npu/design/manifest.h"
#include "npu/runtime/array.h"

namespace troika::npu {

constexpr GemmTile kUsedTiles[] = {kW4A8, kW8A8};
// Besides, where an array is simulated: a real one would need more of the driver's few contexts, and changes between them.
constexpr GemmTile kTriedTiles[] = {kW8A16, kW4A8Few, kW8A8Few};

struct GemmContext {
  GemmDesign design;
  ArrayContext array;
  BuiltXclbin built;  // empty where it is simulated
};

struct GemmArray {
  abi::Facts facts;
  std::vector<GemmContext> contexts;

  const GemmContext* find(const GemmTile& tile) const;  // null: it is not configured
  const GemmContext& context(const GemmTile& tile) const;
};

// A product of one shape, one at a time.
struct Product {
  GemmTile tile;
  GemmShape shape;
  ArrayBuffer x, y;
  ArrayStream stream;

  // Throws Error when the shape does not fill blocks or is too large for one run, and ArrayError.
  Product(const GemmContext& context, const GemmShape& shape);
  // Y = X · Wᵀ: X as the host has it, W synchronised before. The host may read Y after finish(). Both throw ArrayError.
  void start(const ArrayBuffer& w);
  void finish();
};

}  // namespace troika::npu
