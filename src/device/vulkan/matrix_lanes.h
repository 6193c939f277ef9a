// Which places of the matrix unit's operands a lane of a subgroup has. Vulkan leaves it to the driver; matmul_half fills them
// from registers, so it needs a layout that shaders/lib/lanes.glsl knows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "device/vulkan/caps.h"

namespace troika::device::vulkan {

class Context;

struct MatrixLanes {
  enum Layout : uint32_t { rows_apart, quads, columns_apart };  // as shaders/lib/lanes.glsl counts
  MatrixShape shape;  // of halves
  Layout layout;
  uint32_t subgroup_size;
  uint32_t classes() const { return layout == rows_apart ? 1 : layout == quads ? 4 : shape.k; }  // lanes that share a row of x
  bool operator==(const MatrixLanes&) const = default;
};

// What shaders/matrix_layout.comp wrote: of A and of B, `most` numbers of each lane, elements row by row; UINT32_MAX: no more.
struct LaneElements {
  std::span<const uint32_t> numbers;  // [2, subgroup_size, most]
  uint32_t subgroup_size, most;
};

// The layout that gives those elements; nothing: we know none.
std::optional<MatrixLanes> layout_of(const MatrixShape& shape, const LaneElements& elements);

// Asks the GPU: of its shapes of halves the first whose layout is known.
std::optional<MatrixLanes> find_matrix_lanes(const std::shared_ptr<Context>& context);

}  // namespace troika::device::vulkan
