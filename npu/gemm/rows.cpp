#include "npu/gemm/rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"

namespace troika::npu {
namespace {

int8_t rounded(float value) { return std::isnan(value) ? 0 : int8_t(std::nearbyint(std::clamp(value, -127.0f, 127.0f))); }

}  // namespace

void round_rows(const GemmTile& tile, const GemmShape& shape, std::span<const float> x, int columns,
                std::span<std::byte> packed_x, std::span<float> scales) {
  check(tile.result == ResultKind::sums && packed_x.size() == packed_x_bytes(tile, shape), "size of x as packed");
  check(x.size() == scales.size() * columns && int(scales.size()) <= shape.m && columns <= shape.k, "x lies in its shape");
  for (int m = 0; m < int(scales.size()); ++m) {
    std::span<const float> row = x.subspan(size_t(m) * columns, columns);
    float largest = 0;
    bool finite = true;
    for (float v : row) {
      largest = std::max(largest, std::fabs(v));
      finite &= std::isfinite(v);
    }
    scales[m] = finite ? largest / 127 : std::numeric_limits<float>::quiet_NaN();
    float inverse = largest > 0 ? 127 / largest : 0;
    for (int k = 0; k < shape.k; ++k)
      packed_x[place_in_x(tile, shape, m, k)] = std::byte(k < columns ? rounded(row[k] * inverse) : int8_t{0});
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
