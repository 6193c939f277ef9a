#include "device/vulkan/matrix_tile.h"

#include <algorithm>

namespace troika::device::vulkan {
namespace {

// In matrices of 16 × 16: 64 × 64 numbers of the result, 128 × 32, 64 × 32 in two parts, 32 × 32 and 32 × 16 in four. The
// fastest of those that were tried on an H200 (docs/measurements.md); larger ones need registers for which workgroups wait.
constexpr MatrixTile kTiles[] = {{2, 2, 1, 2, 2}, {4, 1, 1, 2, 2}, {2, 1, 2, 2, 2},
                                 {2, 1, 4, 1, 2}, {1, 1, 4, 2, 2}, {1, 1, 4, 2, 1}};

constexpr MatrixTile kSmallest = {1, 1, 4, 2, 1};  // that takes gated products too

// Stretches in shared memory that divide a slice or are some slices; more cost registers, and so workgroups at a time.
constexpr uint32_t kAtOnce[] = {2, 3, 1};

// Workgroups that keep a GPU busy: nearly one for each of its processors.
uint32_t workgroups_wanted(GpuKind kind) { return kind == GpuKind::discrete ? 100 : kind == GpuKind::software ? 4 : 12; }

// Of shared memory, for a format with two scales and leasts, which needs most.
uint32_t shared_bytes(const MatrixShape& shape, const MatrixTile& tile, uint32_t at_once) {
  const uint32_t rows = shape.m * tile.row_pieces * tile.along_rows, tokens = shape.n * tile.token_pieces * tile.along_tokens;
  const uint32_t stretch = shape.k < 16 ? 4 : 2, of_weight = shape.k == 32 ? 3 : stretch;  // pieces of 16 bytes
  const uint32_t weights = tile.parts * rows * (at_once * of_weight | 1) * 16;
  const uint32_t others = tile.parts * (tokens * (at_once * stretch | 1) * 16 + at_once * (rows * 4 + tokens * 3) * 4);
  const uint32_t matrices = tile.along_rows * tile.along_tokens * tile.parts * shape.m * shape.n * 4;
  const uint32_t results = 2 * matrices, slices = tile.parts == 1 ? 16 : matrices;
  return std::max(weights, results) + others + slices;
}

uint32_t pieces(uint32_t whole, uint32_t part) { return (whole + part - 1) / part; }

}  // namespace

std::span<const MatrixTile> matrix_tiles() { return kTiles; }

std::vector<uint32_t> MatrixKernel::constants(uint32_t format, uint32_t kind, bool has_factor) const {
  return {format, lanes, shape.m, shape.n, shape.k, tile.along_rows, tile.along_tokens, tile.parts, tile.row_pieces,
          tile.token_pieces, at_once, kind, length, has_factor};
}

uint32_t matrix_subgroup(const Caps& caps) { return std::clamp(32u, caps.least_subgroup_size, caps.most_subgroup_size); }

std::optional<MatrixShape> matrix_shape(const Caps& caps) {
  std::optional<MatrixShape> best;
  for (const MatrixShape& s : caps.int8_matrices) {
    const bool takes = (s.m == 8 || s.m == 16) && (s.n == 8 || s.n == 16) && (s.k == 8 || s.k == 16 || s.k == 32);
    if (takes && matrix_kernel(caps, s, kSmallest, 1) && (!best || s.m * s.n * s.k > best->m * best->n * best->k)) best = s;
  }
  return best;
}

std::optional<MatrixKernel> matrix_kernel(const Caps& caps, const MatrixShape& shape, const MatrixTile& tile, uint32_t length) {
  MatrixKernel kernel{.shape = shape, .length = length, .tile = tile};
  kernel.subgroup_size = matrix_subgroup(caps);
  kernel.lanes = kernel.subgroup_size * tile.along_rows * tile.along_tokens * tile.parts;
  kernel.rows = shape.m * tile.row_pieces * tile.along_rows;
  kernel.tokens = shape.n * tile.token_pieces * tile.along_tokens;
  if (kernel.lanes > caps.workgroup_size) return {};
  for (uint32_t at_once : kAtOnce) {
    if (at_once % length != 0 && length % at_once != 0) continue;
    kernel.at_once = at_once;
    if (shared_bytes(shape, tile, at_once) <= caps.shared_bytes) return kernel;
  }
  return {};
}

std::optional<MatrixKernel> choose_matrix_kernel(const Caps& caps, uint32_t columns, uint32_t rows, uint32_t length,
                                                 uint32_t matrices) {
  const std::optional<MatrixShape> shape = matrix_shape(caps);
  if (!shape) return {};
  std::optional<MatrixKernel> chosen;
  uint32_t most = 0;
  for (const MatrixTile& tile : kTiles) {
    const auto kernel = matrix_kernel(caps, *shape, tile, length);
    if (!kernel || (matrices > 1 && !takes_gated(tile))) continue;
    if (!kernel->suits(rows)) continue;
    const uint32_t workgroups = pieces(columns, kernel->rows / matrices) * pieces(rows, kernel->tokens);
    if (workgroups <= most) continue;
    chosen = kernel;
    most = workgroups;
    if (workgroups >= workgroups_wanted(caps.kind)) break;
  }
  return chosen;
}

}  // namespace troika::device::vulkan
