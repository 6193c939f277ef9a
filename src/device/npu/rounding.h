// In what numbers the array multiplies with a weight, and whether it does at all.
//
//   4-bit blocks        4 bits in two levels (npu/gemm/w4.h), where these keep what the file holds; rows in int8
//   everything else     int8 with a scale for each row; rows in int8, or in int16 where the weight's name asks for it
//   not on the array    what is looked up too (a tied head), no matrix, more than a run takes, or with a value that is infinite
//                       or no number: the rest of the device list multiplies with it
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "device/device.h"
#include "npu/gemm/w4.h"
#include "npu/gemm/w8.h"

namespace troika::device::npu {

// By how much 4 bits may change a matrix: ‖rounded − values‖ / ‖values‖. What 4 bits make of q4_0 and q4_k, 7 to 10 %, moved a
// model's distributions by a KL of 0.018 to 0.27 (docs/npu.md); that grows with the square, so 2 % stays below 0.02.
inline constexpr double kMostError = 0.02;

struct Rounding {
  double most_error = kMostError;
  // Parts of names of weights that rows reach in 16 bits, at half the pace: those whose rows have outliers.
  std::vector<std::string> wide_rows;
};

struct RoundedMatrix {
  std::variant<troika::npu::W4Matrix, troika::npu::W8Matrix> values;
  int most_x = troika::npu::kMostX8;  // the largest value of a row: more than 127 goes as int16
};

// Padded to whole blocks of the array, with rows and columns of zeros. Nothing: it is not for the array.
std::optional<RoundedMatrix> round_matrix(const WeightView& view, WeightUse use, const Rounding& rounding = {});

// Bytes of a file's matrix, rounded and with its scales, at most: 4 bits mostly become int8. 0: it is not for the array.
size_t most_rounded_bytes(Format format, const Shape& matrix);

}  // namespace troika::device::npu
