// The instruction stream of a whole product. Every transfer is linear (gemm/tiling.h); what lies along N is one task that
// repeats, so a stream grows with the number of row blocks only.
#pragma once

#include <cstdint>
#include <vector>

#include "npu/design/gemm_design.h"

namespace troika::npu::txn {

// The widest N of one run.
constexpr int most_n(const GemmTile& tile) { return kTaskRepeats * tile.block_n(); }

// Throws Error when the shape does not fill blocks or is too large for one run.
std::vector<uint32_t> gemm_stream(const GemmDesign& design, const GemmShape& shape);

}  // namespace troika::npu::txn
