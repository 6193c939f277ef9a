// The instruction stream of a whole product. Every transfer is linear (gemm/tiling.h); what lies along N is one task that
// repeats, so a stream grows with the number of row blocks only.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "npu/design/gemm_design.h"

namespace troika::npu::txn {

// The widest N of one run.
constexpr int most_n(const GemmTile& tile) { return kTaskRepeats * tile.block_n(); }

// Bytes of an argument that a run reaches.
constexpr uint64_t kMostArgument = std::numeric_limits<uint32_t>::max();

// Whether a run takes weights of n × k in whole blocks: neither too wide, nor too deep for its sums, nor too large.
inline bool takes(const GemmTile& tile, int64_t n, int64_t k) {
  return n <= most_n(tile) && k <= kMostK && packed_w_bytes(tile, {tile.block_m(), int(n), int(k)}) <= kMostArgument;
}

// Throws Error when the shape does not fill blocks or is too large for one run.
std::vector<uint32_t> gemm_stream(const GemmDesign& design, const GemmShape& shape);

}  // namespace troika::npu::txn
