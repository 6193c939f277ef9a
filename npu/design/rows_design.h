// The design that takes rows through a kernel on all sixteen cores: tiles of X go in turn to the four cores of a column, and
// what they make of them comes back in the same order. A kernel with a third buffer reads that from its own argument, once a
// run, the same for all tiles (a norm's weights).
//
//   per column:   shim MM2S 0 → X → memory tile → one core after the other
//                 shim MM2S 1 → what is shared → all cores of the column
//                 shim S2MM 0 ← Y ← memory tile ← one core after the other
//
// X and Y lie in the host's memory tile after tile, column c takes the c-th quarter. Cores take them in pairs, so there are
// to be whole multiples of kTilesOfRound.
#pragma once

#include <string_view>

#include "npu/design/spec.h"

namespace troika::npu {

enum RowsArgument : int { kRowsX, kRowsShared, kRowsY };

constexpr int kTilesOfRound = kColumns * kCoreRows * 2;

// The catalogue's kernels that are of this kind: from a tile, and what is shared, to a tile.
constexpr std::string_view kRowKernels[] = {"silu_mul_bf16_64x128", "gelu_mul_bf16_64x128", "rms_norm_bf16_3584",
                                            "softmax_bf16_2048", "rope_bf16_32x128"};

struct RowsDesign {
  uint32_t x_bytes = 0, shared_bytes = 0, y_bytes = 0;  // of a tile; nothing is shared: 0
  DesignSpec spec;
  std::vector<int> parameters;       // a buffer of each core: a word, pairs of tiles
  std::vector<int> parameter_locks;  // that tell each core it is there
};

RowsDesign make_rows_design(std::string_view kernel);

}  // namespace troika::npu
