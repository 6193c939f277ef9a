// How a product Y = X · Wᵀ lies in the host's memory so that the array reads and writes it front to back: tile after tile,
// and inside a tile in the matrix unit's blocks (kernels/matmul.h). Cores hold C of m × n while they walk along K;
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
#include <compare>
#include <span>
#include <string_view>
#include <vector>

#include "base/half.h"
#include "npu/design/hardware.h"
#include "npu/gemm/w4.h"

namespace troika::npu {

enum class WeightKind { w4, i8, bf16 };
enum class XKind { i8, i16, bf16 };
enum class ResultKind { sums, bf16 };  // of 32 bits for the host to scale, or scaled in the cores

// What the matrix unit does with X of a kind: block products of [4, k] times [k, n], summed in 32 bits.
struct MatrixUnit {
  std::string_view x, sums;
  std::string_view product;  // of kernels
  int bytes;                 // of an element of X
  int k, n;
  double products_per_cycle;
};
constexpr MatrixUnit kMatrixUnits[] = {  // by XKind
    {"i8", "i32", "i8i8_i32", 1, 8, 8, 256},
    {"i16", "i32", "i16i8_i32", 2, 4, 8, 128},
    {"bf16", "f32", "bf16_f32", 2, 8, 4, 128},
};

struct GemmTile {
  std::string_view name;  // of its design
  WeightKind weights = WeightKind::w4;
  int m = 64, k = 64, n = 128;
  ResultKind result = ResultKind::sums;
  XKind x = XKind::i8;
  auto operator<=>(const GemmTile&) const = default;

  constexpr const MatrixUnit& unit() const { return kMatrixUnits[int(x)]; }
  constexpr int block_m() const { return m * kCoreRows; }
  constexpr int block_n() const { return n * kColumns; }
  // Cores take K steps in pairs, one from each of two buffers.
  constexpr int block_k() const { return 2 * k; }
  constexpr uint32_t a_bytes() const { return unit().bytes * m * k; }
  constexpr uint32_t b_bytes() const {
    return weights == WeightKind::w4 ? 2 * n + n * k / 2 : (weights == WeightKind::bf16 ? 2 : 1) * n * k;
  }
  constexpr uint32_t c_bytes() const { return 4 * m * n; }  // as cores add it up
  constexpr uint32_t y_bytes() const { return (result == ResultKind::bf16 ? 2 : 4) * m * n; }
  constexpr int scale_steps() const { return result == ResultKind::bf16 ? 2 : 0; }
};

constexpr GemmTile kW4A8{"gemm_w4a8", WeightKind::w4, 64, 64, 128};
constexpr GemmTile kW4A8Scaled{"gemm_w4a8_bf16", WeightKind::w4, 64, 64, 128, ResultKind::bf16};
constexpr GemmTile kW8A8{"gemm_w8a8", WeightKind::i8, 64, 64, 64};
// Rows of int16, which hold what 8 bits do not. W as kW8A8 has it, byte for byte.
constexpr GemmTile kW8A16{"gemm_w8a16", WeightKind::i8, 64, 64, 64, ResultKind::sums, XKind::i16};
constexpr GemmTile kBf16{"gemm_bf16", WeightKind::bf16, 64, 32, 64, ResultKind::sums, XKind::bf16};
// Reads a third less for each product, and pads to more.
constexpr GemmTile kBf16Wide{"gemm_bf16_wide", WeightKind::bf16, 96, 32, 96, ResultKind::sums, XKind::bf16};
// Few rows: 16 of them take the time that reading W takes. W as kW4A8 and kW8A8 have it, byte for byte.
constexpr GemmTile kW4A8Few{"gemm_w4a8_few", WeightKind::w4, 4, 64, 128};
constexpr GemmTile kW8A8Few{"gemm_w8a8_few", WeightKind::i8, 4, 64, 64};
constexpr GemmTile kGemmTiles[] = {kW4A8, kW4A8Scaled, kW8A8, kW8A16, kBf16, kBf16Wide, kW4A8Few, kW8A8Few};  // all designs

// The tile for so many rows that reads W as `tile` does.
const GemmTile& for_rows(const GemmTile& tile, int rows);

struct GemmShape {
  int m = 0, n = 0, k = 0;
  bool operator==(const GemmShape&) const = default;
};

// 128 · 128 · K fits int32, and K is in whole blocks. Rows of int16 must be small enough for their weights (gemm/w8.h).
constexpr int kMostK = 131'072 - 128;

// Throws Error when a side is no multiple of the block, or K too long for sums of 32 bits.
void require_whole_blocks(const GemmTile& tile, const GemmShape& shape);

size_t packed_x_bytes(const GemmTile& tile, const GemmShape& shape);
size_t packed_w_bytes(const GemmTile& tile, const GemmShape& shape);
size_t packed_y_bytes(const GemmTile& tile, const GemmShape& shape);

// Where the array reads element [m, k] of X, in bytes, and where it puts [m, n] of Y, in elements.
size_t place_in_x(const GemmTile& tile, const GemmShape& shape, int m, int k);
size_t place_in_y(const GemmTile& tile, const GemmShape& shape, int m, int n);

// x: [M, K], row by row, in the tile's numbers. token_scales: [M], where cores scale.
std::vector<std::byte> pack_x(const GemmTile& tile, const GemmShape& shape, std::span<const int8_t> x,
                              std::span<const float> token_scales = {});
std::vector<std::byte> pack_x(const GemmTile& tile, const GemmShape& shape, std::span<const int16_t> x);
std::vector<std::byte> pack_x(const GemmTile& tile, const GemmShape& shape, std::span<const bf16> x);
// w: [N, K], in the tile's numbers.
std::vector<std::byte> pack_w(const GemmTile& tile, const GemmShape& shape, std::span<const int8_t> w);
std::vector<std::byte> pack_w(const GemmTile& tile, const GemmShape& shape, std::span<const bf16> w);
// bias: [N] or none, where cores scale.
std::vector<std::byte> pack_w(const GemmTile& tile, const W4Matrix& w, std::span<const float> bias = {});
// [M, N]: the sums, of whole numbers or of floats, or what cores made of them.
std::vector<int32_t> unpack_sums(const GemmTile& tile, const GemmShape& shape, std::span<const std::byte> packed);
std::vector<float> unpack_floats(const GemmTile& tile, const GemmShape& shape, std::span<const std::byte> packed);
std::vector<float> unpack_scaled(const GemmTile& tile, const GemmShape& shape, std::span<const std::byte> packed);

}  // namespace troika::npu
