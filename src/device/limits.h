// What a device's memory and arithmetic can do: the limits that speeds are shares of.
#pragma once

namespace troika::device {

// Operations a second, the whole device together; a multiply-add is two.
struct Peaks {
  double fp32 = 0;
  double int8 = 0;  // products of bytes, summed in integers
  double bits16 = 0;  // products of 16 bits, for F16 and BF16 weights: of int16 on the CPU, of halves on a GPU's matrix unit; 0: none
};

struct Limits {
  double read_bytes_per_s = 0;
  Peaks peaks;
};

}  // namespace troika::device
