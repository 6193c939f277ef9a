// Rows of floats on their way to the array and back. A row of X is rounded to int8 or int16 with a scale of its own and
// written where the array reads it; a sum of the array becomes a float:
//
//   scale[m] = max |x[m]| / most     q[m][k] = round(x[m][k] · (most / max |x[m]|)), halves to even
//   y[m][n] = float(Σk q[m][k] · int8[n][k]) · (scale[m] · channel_scale[n]) + bias[n]
//
// where `most` is 127 for int8, and what the weights leave for int16 (w8.h).
//
// Sums are whole numbers: a row has the same bits whatever is computed beside it, and wherever. A row with a value that is no
// number, or infinite, becomes one of NaN; one of tiny values (magnitude.h) is one of zeros.
#pragma once

#include <cstddef>
#include <span>

#include "npu/gemm/tiling.h"

namespace troika::npu {

// x: [rows, columns], of no more rows and columns than the shape has; columns beyond are zeros, rows beyond stay as they are.
// scales: one for each row. No scales of tokens are packed: the host scales.
void round_rows(const GemmTile& tile, const GemmShape& shape, std::span<const float> x, int columns, int most,
                std::span<std::byte> packed_x, std::span<float> scales);

// y: [scales.size(), columns]. bias: [columns] or none.
void scale_sums(const GemmTile& tile, const GemmShape& shape, std::span<const std::byte> packed_y,
                std::span<const float> scales, std::span<const float> channel_scales, std::span<const float> bias,
                int columns, std::span<float> y);

}  // namespace troika::npu
