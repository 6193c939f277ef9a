#include "device/npu/rounding.h"

#include <algorithm>
#include <cmath>

#include "npu/txn/gemm_stream.h"

namespace troika::device::npu {
namespace {

using troika::npu::GemmTile;
using troika::npu::kW4A8;
using troika::npu::kW8A8;
using troika::npu::W4Matrix;
using troika::npu::W8Matrix;

constexpr double kMostBits = 5;  // of a value in a file, its share of the scales included, that go as 4 bits

int64_t up_to(int64_t size, int64_t block) { return (size + block - 1) / block * block; }

// The sides of a matrix in whole blocks of the array.
struct Sides {
  const GemmTile& tile;
  int64_t n, k;

  Sides(const Shape& matrix, const GemmTile& tile)
      : tile(tile), n(up_to(matrix[0], tile.block_n())), k(up_to(matrix[1], tile.block_k())) {}
  bool fit_a_run() const { return troika::npu::txn::takes(tile, n, k); }
  size_t bytes() const {
    return fit_a_run() ? packed_w_bytes(tile, {tile.block_m(), int(n), int(k)}) + size_t(n) * sizeof(float) : 0;
  }
};

// A matrix in floats, padded with rows and columns of zeros.
struct Padded {
  int n, k;
  std::vector<float> values;  // [n, k]

  Padded(const WeightView& view, const Sides& sides) : n(int(sides.n)), k(int(sides.k)), values(size_t(n) * k) {
    const int columns = view.shape[1];
    const size_t stride = row_bytes(view.format, columns);
    for (int row = 0; row < view.shape[0]; ++row) {
      std::span<float> out = std::span(values).subspan(size_t(row) * k, columns);
      info(view.format).unpack(view.bytes.data() + row * stride, out);
    }
  }
};

// ‖rounded − values‖ / ‖values‖
double error_of(const W4Matrix& w, std::span<const float> values) {
  std::vector<int8_t> rounded = int8_of(w);
  double errors = 0, squares = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    double error = double(rounded[i]) * w.channel_scale[i / w.k] - values[i];
    errors += error * error;
    squares += double(values[i]) * values[i];
  }
  return squares > 0 ? std::sqrt(errors / squares) : 0;
}

bool are_numbers(std::span<const float> values) {
  return std::ranges::all_of(values, [](float v) { return std::isfinite(v); });
}

bool is_few_bits(Format format) {
  const FormatInfo& f = info(format);
  return 8.0 * f.block_bytes / f.block_values <= kMostBits;
}

}  // namespace

std::optional<RoundedMatrix> round_matrix(const WeightView& view, WeightUse use, const Rounding& rounding) {
  if (!use.multiplied || use.looked_up || view.shape.rank != 2) return std::nullopt;
  const bool wide = std::ranges::any_of(rounding.wide_rows, [&](const auto& part) { return view.name.find(part) != view.name.npos; });
  const Sides in4(view.shape, kW4A8), in8(view.shape, kW8A8);
  if (!wide && is_few_bits(view.format) && in4.fit_a_run()) {
    const Padded w(view, in4);
    if (!are_numbers(w.values)) return std::nullopt;
    W4Matrix rounded = troika::npu::quantise_w4(w.values, w.n, w.k);
    if (error_of(rounded, w.values) <= rounding.most_error) return RoundedMatrix{std::move(rounded)};
  }
  if (!in8.fit_a_run()) return std::nullopt;
  const Padded w(view, in8);
  if (!are_numbers(w.values)) return std::nullopt;
  W8Matrix rounded = troika::npu::quantise_w8(w.values, w.n, w.k);
  const int most_x = wide ? most_x16(rounded) : troika::npu::kMostX8;
  return RoundedMatrix{std::move(rounded), most_x};
}

size_t most_rounded_bytes(Format format, const Shape& matrix) {
  const size_t in4 = is_few_bits(format) ? Sides(matrix, kW4A8).bytes() : 0;
  return std::max(in4, Sides(matrix, kW8A8).bytes());
}

}  // namespace troika::device::npu
