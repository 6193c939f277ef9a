// The instruction stream that takes rows through a kernel (design/rows_design.h): all of a column is one transfer each way.
#pragma once

#include <cstdint>
#include <vector>

#include "npu/design/rows_design.h"

namespace troika::npu::txn {

// Throws Error when the tiles are no whole rounds.
std::vector<uint32_t> rows_stream(const RowsDesign& design, int tiles);

}  // namespace troika::npu::txn
