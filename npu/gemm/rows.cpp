#include "npu/gemm/rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "npu/gemm/magnitude.h"

namespace troika::npu {
namespace {

// `most` bounds what `inverse` may overshoot by; what is no number becomes 0.
template <typename Number>
void round_row(const GemmTile& tile, const GemmShape& shape, int m, std::span<const float> row, float inverse, float most,
               std::span<std::byte> packed_x) {
  for (int k = 0; k < shape.k; ++k) {
    const float value = k < int(row.size()) ? row[k] * inverse : 0;
    const Number rounded = std::isnan(value) ? 0 : Number(std::nearbyint(std::clamp(value, -most, most)));
    std::memcpy(&packed_x[place_in_x(tile, shape, m, k)], &rounded, sizeof rounded);
  }
}

}  // namespace

void round_rows(const GemmTile& tile, const GemmShape& shape, std::span<const float> x, int columns, int most,
                std::span<std::byte> packed_x, std::span<float> scales) {
  check(tile.result == ResultKind::sums && packed_x.size() == packed_x_bytes(tile, shape), "size of x as packed");
  check(x.size() == scales.size() * columns && int(scales.size()) <= shape.m && columns <= shape.k, "x lies in its shape");
  const auto round = tile.x == XKind::i16 ? round_row<int16_t> : round_row<int8_t>;
  for (int m = 0; m < int(scales.size()); ++m) {
    std::span<const float> row = x.subspan(size_t(m) * columns, columns);
    const float largest = largest_magnitude(row);
    scales[m] = largest / float(most);  // NaN, too
    round(tile, shape, m, row, largest > 0 ? float(most) / largest : 0, float(most), packed_x);
  }
}

void scale_sums(const GemmTile& tile, const GemmShape& shape, std::span<const std::byte> packed_y,
                std::span<const float> scales, std::span<const float> channel_scales, std::span<const float> bias,
                int columns, std::span<float> y) {
  check(tile.result == ResultKind::sums && packed_y.size() == packed_y_bytes(tile, shape), "size of y as packed");
  check(int(scales.size()) <= shape.m && columns <= shape.n && int(channel_scales.size()) >= columns, "y lies in its shape");
  check(y.size() == scales.size() * columns && (bias.empty() || int(bias.size()) == columns), "size of y");
  for (int m = 0; m < int(scales.size()); ++m)
    for (int n = 0; n < columns; ++n) {
      int32_t sum;
      std::memcpy(&sum, &packed_y[place_in_y(tile, shape, m, n) * sizeof sum], sizeof sum);
      float value = float(sum) * (scales[m] * channel_scales[n]);
      y[size_t(m) * columns + n] = bias.empty() ? value : value + bias[n];
    }
}

}  // namespace troika::npu
