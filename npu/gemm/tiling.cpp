#include "npu/gemm/tiling.h"

#include <cstring>

#include "base/error.h"

namespace troika::npu {
namespace {

// Where element (row, column) of a tile [rows, columns] stands when blocks [4 or 8, 8] follow each other along a row.
size_t in_blocks(int row, int column, int columns, int block_rows) {
  int block = row / block_rows * (columns / 8) + column / 8;
  return size_t(block) * block_rows * 8 + row % block_rows * 8 + column % 8;
}

// The same for B, whose blocks [8 k, 8 n] follow each other along k.
size_t in_b_blocks(int n, int k, int depth) { return size_t(n / 8 * (depth / 8) + k / 8) * 64 + k % 8 * 8 + n % 8; }

// Calls fill(tile row, tile column, bytes of the tile) for all tiles of B.
template <typename Fill>
std::vector<std::byte> for_tiles_of_w(const GemmTile& tile, const GemmShape& shape, Fill fill) {
  require_whole_blocks(tile, shape);
  std::vector<std::byte> out(packed_w_bytes(tile, shape));
  std::byte* at = out.data();
  for (int row = 0; row < shape.n / tile.n; ++row)
    for (int step = 0; step < shape.k / tile.k; ++step, at += tile.b_bytes())
      fill(row * tile.n, step * tile.k, reinterpret_cast<uint8_t*>(at));
  return out;
}

}  // namespace

void require_whole_blocks(const GemmTile& tile, const GemmShape& shape) {
  auto require = [](const char* name, int size, int block) {
    if (size <= 0 || size % block)
      fail("A product with {} = {} does not fill the NPU's blocks of {}; pad it to {}.", name, size, block,
           size <= 0 ? block : (size / block + 1) * block);
  };
  require("M", shape.m, tile.block_m());
  require("N", shape.n, tile.block_n());
  require("K", shape.k, tile.block_k());
}

size_t packed_x_bytes(const GemmTile&, const GemmShape& shape) { return size_t(shape.m) * shape.k; }

size_t packed_w_bytes(const GemmTile& tile, const GemmShape& shape) {
  return size_t(shape.n / tile.n) * (shape.k / tile.k) * tile.b_bytes();
}

size_t packed_y_bytes(const GemmTile&, const GemmShape& shape) { return size_t(shape.m) * shape.n * 4; }

std::vector<std::byte> pack_x(const GemmTile& tile, const GemmShape& shape, std::span<const int8_t> x) {
  require_whole_blocks(tile, shape);
  check(x.size() == size_t(shape.m) * shape.k, "size of x");
  std::vector<std::byte> out(packed_x_bytes(tile, shape));
  for (int m = 0; m < shape.m; ++m)
    for (int k = 0; k < shape.k; ++k) {
      size_t index = size_t(m / tile.m) * (shape.k / tile.k) + k / tile.k;
      out[index * tile.a_bytes() + in_blocks(m % tile.m, k % tile.k, tile.k, 4)] = std::byte(x[size_t(m) * shape.k + k]);
    }
  return out;
}

std::vector<std::byte> pack_w(const GemmTile& tile, const GemmShape& shape, std::span<const int8_t> w) {
  check(tile.weights == WeightKind::i8, "tiles of int8 weights");
  check(w.size() == size_t(shape.n) * shape.k, "size of w");
  return for_tiles_of_w(tile, shape, [&](int first_n, int first_k, uint8_t* out) {
    for (int n = 0; n < tile.n; ++n)
      for (int k = 0; k < tile.k; ++k)
        out[in_b_blocks(n, k, tile.k)] = uint8_t(w[size_t(first_n + n) * shape.k + first_k + k]);
  });
}

// A tile of W4 is scales int8 [n], zeros [n], then q in B's order, two to a byte, the first in the low half.
std::vector<std::byte> pack_w(const GemmTile& tile, const W4Matrix& w) {
  check(tile.weights == WeightKind::w4 && tile.k == kW4Group, "tiles of 4-bit weights, a group deep");
  return for_tiles_of_w(tile, {tile.block_m(), w.n, w.k}, [&](int first_n, int first_k, uint8_t* out) {
    for (int n = 0; n < tile.n; ++n) {
      size_t group = w.group(first_n + n, first_k);
      out[n] = uint8_t(w.group_scale[group]);
      out[tile.n + n] = w.zero[group];
      for (int k = 0; k < tile.k; ++k) {
        size_t at = in_b_blocks(n, k, tile.k);
        out[2 * tile.n + at / 2] |= w.q[size_t(first_n + n) * w.k + first_k + k] << (at % 2 * 4);
      }
    }
  });
}

std::vector<int32_t> unpack_y(const GemmTile& tile, const GemmShape& shape, std::span<const std::byte> packed) {
  require_whole_blocks(tile, shape);
  check(packed.size() == packed_y_bytes(tile, shape), "size of y");
  std::vector<int32_t> y(size_t(shape.m) * shape.n);
  int column_tiles = shape.n / tile.block_n();
  for (int m = 0; m < shape.m; ++m)
    for (int n = 0; n < shape.n; ++n) {
      int row = m / tile.m, tile_row = n / tile.n, column = tile_row / column_tiles;
      size_t index = (size_t(row / kCoreRows * kColumns + column) * column_tiles + tile_row % column_tiles) * kCoreRows +
                     row % kCoreRows;
      size_t at = index * tile.c_bytes() + 4 * in_blocks(m % tile.m, n % tile.n, tile.n, 4);
      std::memcpy(&y[size_t(m) * shape.n + n], &packed[at], 4);
    }
  return y;
}

}  // namespace troika::npu
