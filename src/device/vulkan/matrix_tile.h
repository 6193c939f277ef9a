// How matmul_coop cuts a product into workgroups: which shape of the matrix unit, how many subgroups and where.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "device/vulkan/caps.h"

namespace troika::device::vulkan {

// As shaders/matmul_coop.glsl names them.
struct MatrixTile {
  uint32_t along_rows, along_tokens, parts;  // subgroups; parts share their matrices and take slices in turn
  uint32_t row_pieces, token_pieces;         // matrices of each subgroup
  bool operator==(const MatrixTile&) const = default;
};

// All there are, the largest first.
std::span<const MatrixTile> matrix_tiles();

// A kernel for a tile on a GPU.
struct MatrixKernel {
  MatrixShape shape;
  uint32_t subgroup_size, lanes;
  uint32_t rows, tokens;       // of a workgroup
  uint32_t at_once, length;    // stretches in shared memory, of a slice
  std::vector<uint32_t> constants(uint32_t format, uint32_t kind, bool has_factor) const;
  bool suits(uint32_t rows_of_x) const { return tokens == shape.n || tokens / 2 < rows_of_x; }  // else half is for nobody
  MatrixTile tile;
};

// The shape of the GPU's that the shader takes and that does most at once; nothing: there is none, or shared memory is too
// little for any tile.
std::optional<MatrixShape> matrix_shape(const Caps& caps);

// Lanes that share a matrix.
uint32_t matrix_subgroup(const Caps& caps);

// For a tile and slices of `length` stretches; nothing: not one stretch fits shared memory.
std::optional<MatrixKernel> matrix_kernel(const Caps& caps, const MatrixShape& shape, const MatrixTile& tile, uint32_t length);

// Whether a gated product can be cut so: gate's rows and up's lie in turn.
inline bool takes_gated(const MatrixTile& tile) { return tile.row_pieces % 2 == 0; }

// The largest tile that keeps the GPU busy with `columns` of the result for `rows` rows, from `matrices` weights (2: of a
// gated product); nothing: there is no shape.
std::optional<MatrixKernel> choose_matrix_kernel(const Caps& caps, uint32_t columns, uint32_t rows, uint32_t length,
                                                 uint32_t matrices = 1);

}  // namespace troika::device::vulkan
