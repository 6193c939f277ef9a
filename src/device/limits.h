// What a device's memory and arithmetic can do: the limits that speeds are shares of.
#pragma once

namespace troika::device {

// Operations a second, the whole device together; a multiply-add is two.
struct Peaks {
  double fp32 = 0;
  double int8 = 0;  // products of bytes, summed in integers
  double int16 = 0;  // products of int16, which the CPU multiplies F16 and BF16 weights in; 0: not measured
};

struct Limits {
  double read_bytes_per_s = 0;
  Peaks peaks;
};

}  // namespace troika::device
