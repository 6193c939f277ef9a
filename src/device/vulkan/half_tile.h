// How matmul_half cuts a product into workgroups: how many subgroups and where.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "device/vulkan/matrix_lanes.h"

namespace troika::device::vulkan {

// As shaders/matmul_half.glsl names them.
struct HalfTile {
  uint32_t along_rows, along_tokens;  // subgroups
  bool in_parts;                      // each slice has subgroups of its own; else one comes behind the other
  uint32_t row_pieces, token_pieces;  // matrices of each subgroup
  uint32_t ahead;                     // steps of x that are on their way
  bool operator==(const HalfTile&) const = default;
};

// All there are, those for the most rows of x first.
std::span<const HalfTile> half_tiles();

// What a kernel is wanted for.
struct HalfProduct {
  uint32_t columns, rows;          // of the result
  uint32_t slices, slice_spans;    // of the weight's rows; spans of a slice
  uint32_t matrices = 1;           // 2: gated
  bool normed = false, plain = false;  // it ends with a norm; its weight is of plain numbers
};

// A tile for a product on a GPU.
struct HalfKernel {
  MatrixLanes lanes;
  HalfTile tile;
  HalfProduct product;
  uint32_t parts, rows, tokens;  // rows of the weight and of x of a workgroup
  uint32_t workgroup_size() const { return lanes.subgroup_size * tile.along_rows * tile.along_tokens * parts; }
  std::vector<uint32_t> constants(uint32_t format, uint32_t kind, uint32_t factor, uint32_t end) const;
  bool suits() const { return tokens == lanes.shape.n || tokens / 2 < product.rows; }  // else half is for nobody
};

// Nothing: it does not fit the GPU or the product.
std::optional<HalfKernel> half_kernel(const Caps& caps, const MatrixLanes& lanes, const HalfTile& tile, const HalfProduct& p);

// The largest tile that keeps the GPU busy.
std::optional<HalfKernel> choose_half_kernel(const Caps& caps, const MatrixLanes& lanes, const HalfProduct& p);

// Into how many slices the values of a weight's row are cut, and how many spans each has: it follows from the weight alone.
struct HalfSlices { uint32_t slices, spans; };
HalfSlices half_slices(const Caps& caps, const MatrixLanes& lanes, uint32_t rows, uint32_t depth);

}  // namespace troika::device::vulkan
