#include "npu/gemm/tiling.h"

#include <cstring>
#include <utility>

#include "base/error.h"

namespace troika::npu {
namespace {

// Where element (row, column) of a tile [rows, columns] stands when blocks [4, `across`] follow each other along a row.
size_t in_blocks(int row, int column, int columns, int across) {
  int block = row / 4 * (columns / across) + column / across;
  return size_t(block) * 4 * across + row % 4 * across + column % across;
}

// The same for B, whose blocks [k, `across` n] follow each other along k.
size_t in_b_blocks(int n, int k, int depth, int across) { return (size_t(n / across) * depth + k) * across + n % across; }

int steps_of(const GemmTile& tile, const GemmShape& shape) { return shape.k / tile.k + tile.scale_steps(); }

// Calls fill(first n, first k, bytes of the tile) for all tiles of B that have numbers.
template <typename Fill>
std::vector<std::byte> for_tiles_of_w(const GemmTile& tile, const GemmShape& shape, Fill fill) {
  require_whole_blocks(tile, shape);
  std::vector<std::byte> out(packed_w_bytes(tile, shape));
  for (int row = 0; row < shape.n / tile.n; ++row)
    for (int step = 0; step < shape.k / tile.k; ++step) {
      size_t index = size_t(row) * steps_of(tile, shape) + step;
      fill(row * tile.n, step * tile.k, reinterpret_cast<uint8_t*>(&out[index * tile.b_bytes()]));
    }
  return out;
}

// The first tile behind the numbers of a row of tiles.
std::byte* scales_of(std::vector<std::byte>& packed, const GemmTile& tile, const GemmShape& shape, int row, size_t bytes) {
  return &packed[(size_t(row) * steps_of(tile, shape) + shape.k / tile.k) * bytes];
}

template <typename Number>
std::vector<std::byte> pack_numbers_of_x(const GemmTile& tile, const GemmShape& shape, std::span<const Number> x) {
  require_whole_blocks(tile, shape);
  check(x.size() == size_t(shape.m) * shape.k && int(sizeof(Number)) == tile.unit().bytes, "size of x");
  std::vector<std::byte> out(packed_x_bytes(tile, shape));
  for (int m = 0; m < shape.m; ++m)
    for (int k = 0; k < shape.k; ++k)
      std::memcpy(&out[place_in_x(tile, shape, m, k)], &x[size_t(m) * shape.k + k], sizeof(Number));
  return out;
}

template <typename Number>
std::vector<std::byte> pack_numbers_of_w(const GemmTile& tile, const GemmShape& shape, std::span<const Number> w) {
  check(!tile.scale_steps() && w.size() == size_t(shape.n) * shape.k, "size of w");
  return for_tiles_of_w(tile, shape, [&](int first_n, int first_k, uint8_t* out) {
    for (int n = 0; n < tile.n; ++n)
      for (int k = 0; k < tile.k; ++k)
        std::memcpy(out + sizeof(Number) * in_b_blocks(n, k, tile.k, tile.unit().n),
                    &w[size_t(first_n + n) * shape.k + first_k + k], sizeof(Number));
  });
}

template <typename T, typename Read>
std::vector<T> unpack(const GemmTile& tile, const GemmShape& shape, std::span<const std::byte> packed, Read read) {
  require_whole_blocks(tile, shape);
  check(packed.size() == packed_y_bytes(tile, shape), "size of y");
  std::vector<T> y(size_t(shape.m) * shape.n);
  for (int m = 0; m < shape.m; ++m)
    for (int n = 0; n < shape.n; ++n) y[size_t(m) * shape.n + n] = read(place_in_y(tile, shape, m, n));
  return y;
}

template <typename Number>
Number number_at(std::span<const std::byte> packed, size_t at) {
  Number number;
  std::memcpy(&number, &packed[sizeof number * at], sizeof number);
  return number;
}

}  // namespace

const GemmTile& for_rows(const GemmTile& tile, int rows) {
  static constexpr std::pair<GemmTile, GemmTile> kFew[] = {{kW4A8, kW4A8Few}, {kW8A8, kW8A8Few}};
  for (const auto& [many, few] : kFew)
    if (many == tile && rows <= few.block_m()) return few;
  return tile;
}

void require_whole_blocks(const GemmTile& tile, const GemmShape& shape) {
  auto require = [](const char* name, int size, int block) {
    if (size <= 0 || size % block)
      fail("A product with {} = {} does not fill the NPU's blocks of {}; pad it to {}.", name, size, block,
           size <= 0 ? block : (size / block + 1) * block);
  };
  require("M", shape.m, tile.block_m());
  require("N", shape.n, tile.block_n());
  require("K", shape.k, tile.block_k());
  if (shape.k > kMostK) fail("A product with K = {} may overflow its sums of 32 bits; cut it at {}.", shape.k, kMostK);
}

size_t packed_x_bytes(const GemmTile& tile, const GemmShape& shape) {
  return size_t(shape.m / tile.m) * steps_of(tile, shape) * tile.a_bytes();
}

size_t packed_w_bytes(const GemmTile& tile, const GemmShape& shape) {
  return size_t(shape.n / tile.n) * steps_of(tile, shape) * tile.b_bytes();
}

size_t packed_y_bytes(const GemmTile& tile, const GemmShape& shape) {
  return size_t(shape.m / tile.m) * (shape.n / tile.n) * tile.y_bytes();
}

size_t place_in_x(const GemmTile& tile, const GemmShape& shape, int m, int k) {
  size_t index = size_t(m / tile.m) * steps_of(tile, shape) + k / tile.k;
  return index * tile.a_bytes() + tile.unit().bytes * in_blocks(m % tile.m, k % tile.k, tile.k, tile.unit().k);
}

size_t place_in_y(const GemmTile& tile, const GemmShape& shape, int m, int n) {
  int column_tiles = shape.n / tile.block_n();
  int row = m / tile.m, tile_row = n / tile.n, column = tile_row / column_tiles;
  size_t index =
      (size_t(row / kCoreRows * kColumns + column) * column_tiles + tile_row % column_tiles) * kCoreRows + row % kCoreRows;
  return index * tile.m * tile.n + in_blocks(m % tile.m, n % tile.n, tile.n, tile.unit().n);
}

std::vector<std::byte> pack_x(const GemmTile& tile, const GemmShape& shape, std::span<const int8_t> x,
                              std::span<const float> token_scales) {
  check(token_scales.size() == (tile.scale_steps() ? size_t(shape.m) : 0), "scales of tokens where cores scale");
  std::vector<std::byte> out = pack_numbers_of_x(tile, shape, x);
  for (size_t m = 0; m < token_scales.size(); m += size_t(tile.m))
    std::memcpy(scales_of(out, tile, shape, int(m) / tile.m, tile.a_bytes()), &token_scales[m], sizeof(float) * tile.m);
  return out;
}

std::vector<std::byte> pack_x(const GemmTile& tile, const GemmShape& shape, std::span<const int16_t> x) {
  return pack_numbers_of_x(tile, shape, x);
}

std::vector<std::byte> pack_x(const GemmTile& tile, const GemmShape& shape, std::span<const bf16> x) {
  return pack_numbers_of_x(tile, shape, x);
}

std::vector<std::byte> pack_w(const GemmTile& tile, const GemmShape& shape, std::span<const int8_t> w) {
  check(tile.weights == WeightKind::i8, "tiles of int8 weights");
  return pack_numbers_of_w(tile, shape, w);
}

std::vector<std::byte> pack_w(const GemmTile& tile, const GemmShape& shape, std::span<const bf16> w) {
  check(tile.weights == WeightKind::bf16, "tiles of bfloat16 weights");
  return pack_numbers_of_w(tile, shape, w);
}

// A tile of W4 is scales int8 [n], zeros [n], then q in B's order, two to a byte, the first in the low half.
std::vector<std::byte> pack_w(const GemmTile& tile, const W4Matrix& w, std::span<const float> bias) {
  check(tile.weights == WeightKind::w4 && tile.k == kW4Group, "tiles of 4-bit weights, a group deep");
  check(bias.empty() || (tile.scale_steps() && bias.size() == size_t(w.n)), "a bias where cores scale");
  GemmShape shape{tile.block_m(), w.n, w.k};
  std::vector<std::byte> packed = for_tiles_of_w(tile, shape, [&](int first_n, int first_k, uint8_t* out) {
    for (int n = 0; n < tile.n; ++n) {
      size_t group = w.group(first_n + n, first_k);
      out[n] = uint8_t(w.group_scale[group]);
      out[tile.n + n] = w.zero[group];
      for (int k = 0; k < tile.k; ++k) {
        size_t at = in_b_blocks(n, k, tile.k, tile.unit().n);
        out[2 * tile.n + at / 2] |= w.q[size_t(first_n + n) * w.k + first_k + k] << (at % 2 * 4);
      }
    }
  });
  if (!tile.scale_steps()) return packed;
  size_t bytes = sizeof(float) * tile.n;
  for (int n = 0; n < w.n; n += tile.n) {
    std::byte* scales = scales_of(packed, tile, shape, n / tile.n, tile.b_bytes());
    std::memcpy(scales, &w.channel_scale[size_t(n)], bytes);
    if (!bias.empty()) std::memcpy(scales + bytes, &bias[size_t(n)], bytes);
  }
  return packed;
}

std::vector<int32_t> unpack_sums(const GemmTile& tile, const GemmShape& shape, std::span<const std::byte> packed) {
  check(tile.result == ResultKind::sums && tile.x != XKind::bf16, "sums of whole numbers");
  return unpack<int32_t>(tile, shape, packed, [&](size_t at) { return number_at<int32_t>(packed, at); });
}

std::vector<float> unpack_floats(const GemmTile& tile, const GemmShape& shape, std::span<const std::byte> packed) {
  check(tile.result == ResultKind::sums && tile.x == XKind::bf16, "sums of floats");
  return unpack<float>(tile, shape, packed, [&](size_t at) { return number_at<float>(packed, at); });
}

std::vector<float> unpack_scaled(const GemmTile& tile, const GemmShape& shape, std::span<const std::byte> packed) {
  check(tile.result == ResultKind::bf16, "results that cores scaled");
  return unpack<float>(tile, shape, packed, [&](size_t at) { return bf16_to_float(number_at<bf16>(packed, at)); });
}

}  // namespace troika::npu
