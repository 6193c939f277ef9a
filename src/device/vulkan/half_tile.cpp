#include "device/vulkan/half_tile.h"

#include <algorithm>
#include <bit>

namespace troika::device::vulkan {
namespace {

// The fastest of those that were tried on an H200 (docs/measurements.md). Those of one row piece are for lanes that have many
// rows each, and for plain numbers, which take four times the registers of a block format.
constexpr HalfTile kTiles[] = {{4, 1, false, 2, 8, 2}, {4, 1, false, 2, 4, 2}, {4, 1, false, 1, 4, 2}, {4, 1, true, 2, 4, 2},
                               {1, 1, true, 2, 4, 2},  {1, 1, true, 1, 4, 2},  {1, 1, true, 2, 2, 2},  {1, 1, true, 1, 2, 2},
                               {1, 1, true, 2, 1, 1},  {1, 1, true, 1, 1, 1},  {1, 1, true, 4, 1, 1}};

// Subgroups that keep a GPU busy: some for each of its processors.
uint32_t subgroups_wanted(GpuKind kind) { return kind == GpuKind::discrete ? 1600 : kind == GpuKind::software ? 4 : 160; }

// Of those with all the sums that registers hold, 8 for each processor: those that run at once.
uint32_t subgroups_at_once(GpuKind kind) { return subgroups_wanted(kind) * 2 / 3; }

constexpr uint32_t kLeastSlices = 4, kMostSlices = 16;
constexpr uint32_t kMostSums = 64;    // of a lane, in registers; as many again are of the slices before
constexpr uint32_t kNormedRows = 32;  // of a workgroup that ends with a norm: a block of its sums of squares

uint32_t pieces(uint32_t whole, uint32_t part) { return (whole + part - 1) / part; }

// Many, or as many as run at once, or nearly: a few more would take as long again.
bool keeps_busy(const Caps& caps, const HalfKernel& k, uint32_t subgroups) {
  const uint32_t sums = k.tile.row_pieces * k.tile.token_pieces * k.lanes.shape.m * k.lanes.shape.n;
  const uint32_t at_once = subgroups_at_once(caps.kind);
  const bool fills_once = sums == kMostSums * k.lanes.subgroup_size && subgroups <= at_once && subgroups * 5 >= at_once * 4;
  return fills_once || subgroups >= subgroups_wanted(caps.kind);
}

}  // namespace

std::span<const HalfTile> half_tiles() { return kTiles; }

std::vector<uint32_t> HalfKernel::constants(uint32_t format, uint32_t kind, uint32_t factor, uint32_t end) const {
  return {format, workgroup_size(), lanes.shape.m, lanes.shape.n, lanes.shape.k, tile.along_rows, tile.along_tokens, parts,
          tile.row_pieces, tile.token_pieces, kind, product.slice_spans, product.slices, factor, end, tile.ahead, lanes.layout};
}

std::optional<HalfKernel> half_kernel(const Caps& caps, const MatrixLanes& lanes, const HalfTile& tile, const HalfProduct& p) {
  HalfKernel k{.lanes = lanes, .tile = tile, .product = p, .parts = tile.in_parts ? p.slices : 1};
  k.rows = lanes.shape.m * tile.row_pieces * tile.along_rows;
  k.tokens = lanes.shape.n * tile.token_pieces * tile.along_tokens;
  if (k.workgroup_size() > caps.workgroup_size || tile.row_pieces % p.matrices != 0) return {};
  if (tile.row_pieces * tile.token_pieces * lanes.shape.m * lanes.shape.n > kMostSums * lanes.subgroup_size) return {};
  if (p.normed && (k.rows != kNormedRows || !tile.in_parts)) return {};
  if (p.plain && !p.normed && tile.row_pieces > p.matrices) return {};
  if (lanes.layout == MatrixLanes::columns_apart && tile.row_pieces * tile.token_pieces > 4) return {};  // too long to compile
  const uint32_t subgroups = tile.along_rows * tile.along_tokens * k.parts;
  const uint32_t held = k.parts == 1 ? p.matrices : tile.row_pieces * tile.token_pieces;
  const uint32_t of_token = p.normed ? 32 + 8 + 16 + 1 : 16 + 1;  // sums and squares, those of its row, its factor
  if ((subgroups * held * lanes.shape.m * lanes.shape.n + k.tokens * of_token) * 4 > caps.shared_bytes) return {};
  return k;
}

std::optional<HalfKernel> choose_half_kernel(const Caps& caps, const MatrixLanes& lanes, const HalfProduct& p) {
  std::optional<HalfKernel> chosen;
  uint32_t most = 0;
  for (const HalfTile& tile : kTiles) {
    const auto kernel = half_kernel(caps, lanes, tile, p);
    if (!kernel || !kernel->suits()) continue;
    const uint32_t subgroups = pieces(p.columns, kernel->rows / p.matrices) * pieces(p.rows, kernel->tokens) *
                               (kernel->workgroup_size() / lanes.subgroup_size);
    if (subgroups <= most) continue;
    chosen = kernel;
    most = subgroups;
    if (keeps_busy(caps, *kernel, subgroups)) break;
  }
  return chosen;
}

HalfSlices half_slices(const Caps& caps, const MatrixLanes& lanes, uint32_t rows, uint32_t depth) {
  const uint32_t spans = pieces(depth / 32, lanes.classes());
  const uint32_t wanted = std::bit_ceil(std::max(1u, 2 * subgroups_wanted(caps.kind) / pieces(rows, lanes.shape.m)));
  const uint32_t length = pieces(spans, std::clamp(wanted, kLeastSlices, kMostSlices));
  return {pieces(spans, length), length};
}

}  // namespace troika::device::vulkan
