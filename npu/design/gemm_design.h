// The design of a product on all sixteen cores (gemm/tiling.h has its data). Panels of A enter through the memory tile of
// their row's number and go to the four cores of that row; panels of B through the memory tile of their column and go down
// that column. A core keeps its C for the whole of K; the four C of a column meet in its memory tile on the way out.
//
//   per column:   shim MM2S 0 → A → memory tile → row of cores
//                 shim MM2S 1 → B → memory tile → column of cores
//                 shim S2MM 0 ← C ← memory tile ← column of cores
//
// A core waits for its two parameters, computes that many tiles of C, and waits again: one design serves every shape.
#pragma once

#include <string_view>

#include "npu/design/spec.h"
#include "npu/gemm/tiling.h"

namespace troika::npu {

// Arguments of a run, in order.
enum GemmArgument : int { kArgumentX, kArgumentW, kArgumentY };
constexpr const char* kGemmArgumentNames[] = {"X", "W", "Y"};

struct GemmDesign {
  GemmTile tile;
  DesignSpec spec;
  std::vector<int> parameters;       // a buffer of each core: two words, tiles of C and pairs of K steps
  std::vector<int> parameter_locks;  // that tell each core they are there
};

// Which shim channel carries what in a column.
std::string a_name(int column);
std::string b_name(int column);
std::string c_name(int column);

GemmDesign make_gemm_design(const GemmTile& tile);

// Throws Error when the design has no channel of that name.
const ShimSpec& shim_of(const DesignSpec& design, std::string_view name);

// What its cores call, by the catalogue's names.
struct GemmKernels {
  std::string zero, product;
  std::string dequantise;  // "" for weights that are int8 already
  std::string scale;       // "" where the host scales
};
GemmKernels kernels_of(const GemmTile& tile);

}  // namespace troika::npu
