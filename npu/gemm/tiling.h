// How a product Y = X · Wᵀ lies in the host's memory so that the array reads and writes it front to back: tile after tile,
// and inside a tile in the matrix unit's blocks (kernels/matmul_i8.h). Cores hold C of m × n while they walk along K;
// four rows and four columns of cores make a block of the array.
//
//   X   [M/m, steps] tiles of A                  row r of the array takes tile rows r, r + 4, …
//   W   [N/n, steps] tiles of B                  column c of the array takes the c-th quarter of the tile rows
//   Y   [M/4m, 4 columns, N/4n, 4 rows] tiles    one stretch for each block of rows and column
//
// There are K/k steps. Where cores scale their sums themselves, two more follow, since a core has no third way in: the first
// has floats in place of numbers (A: a scale for each of m tokens; B: a scale, then a bias, for each of n channels), the
// second is there to make a pair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "npu/design/hardware.h"
#include "npu/gemm/w4.h"

namespace troika::npu {

enum class WeightKind { w4, i8 };
enum class ResultKind { sums, bf16 };  // int32 for the host to scale, or scaled in the cores

struct GemmTile {
  WeightKind weights = WeightKind::w4;
  int m = 64, k = 64, n = 128;
  ResultKind result = ResultKind::sums;
  bool operator==(const GemmTile&) const = default;

  constexpr int block_m() const { return m * kCoreRows; }
  constexpr int block_n() const { return n * kColumns; }
  // Cores take K steps in pairs, one from each of two buffers.
  constexpr int block_k() const { return 2 * k; }
  constexpr uint32_t a_bytes() const { return m * k; }
  constexpr uint32_t b_bytes() const { return weights == WeightKind::w4 ? 2 * n + n * k / 2 : n * k; }
  constexpr uint32_t c_bytes() const { return 4 * m * n; }  // as cores add it up
  constexpr uint32_t y_bytes() const { return (result == ResultKind::bf16 ? 2 : 4) * m * n; }
  constexpr int scale_steps() const { return result == ResultKind::bf16 ? 2 : 0; }
};

constexpr GemmTile kW4A8{WeightKind::w4, 64, 64, 128};
constexpr GemmTile kW4A8Scaled{WeightKind::w4, 64, 64, 128, ResultKind::bf16};
constexpr GemmTile kW8A8{WeightKind::i8, 64, 64, 64};
constexpr GemmTile kGemmTiles[] = {kW4A8, kW4A8Scaled, kW8A8};  // for each of which there is a design

struct GemmShape {
  int m = 0, n = 0, k = 0;
  bool operator==(const GemmShape&) const = default;
};

constexpr int kMostK = 131'072 - 128;  // 128 · 128 · K fits int32, and K is in whole blocks

// Throws Error when a side is no multiple of the block, or K too long for sums of 32 bits.
void require_whole_blocks(const GemmTile& tile, const GemmShape& shape);

size_t packed_x_bytes(const GemmTile& tile, const GemmShape& shape);
size_t packed_w_bytes(const GemmTile& tile, const GemmShape& shape);
size_t packed_y_bytes(const GemmTile& tile, const GemmShape& shape);

// Where the array reads element [m, k] of X, in bytes, and where it puts [m, n] of Y, in elements.
size_t place_in_x(const GemmTile& tile, const GemmShape& shape, int m, int k);
size_t place_in_y(const GemmTile& tile, const GemmShape& shape, int m, int n);

// x: int8 [M, K], row by row. token_scales: [M], where cores scale.
std::vector<std::byte> pack_x(const GemmTile& tile, const GemmShape& shape, std::span<const int8_t> x,
                              std::span<const float> token_scales = {});
// w: int8 [N, K].
std::vector<std::byte> pack_w(const GemmTile& tile, const GemmShape& shape, std::span<const int8_t> w);
// bias: [N] or none, where cores scale.
std::vector<std::byte> pack_w(const GemmTile& tile, const W4Matrix& w, std::span<const float> bias = {});
// [M, N]: the sums, or what cores made of them.
std::vector<int32_t> unpack_sums(const GemmTile& tile, const GemmShape& shape, std::span<const std::byte> packed);
std::vector<float> unpack_scaled(const GemmTile& tile, const GemmShape& shape, std::span<const std::byte> packed);

}  // namespace troika::npu
