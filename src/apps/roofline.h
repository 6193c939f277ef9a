// The least time that a computation takes on this machine: the bytes that it must move over the measured bandwidth, or
// its operations over the measured peak. Every speed is given as a share of it.
#pragma once

#include <string>
#include <string_view>

namespace troika::apps {

// What the machine can do with so many threads, measured now.
struct Limits {
  int threads = 1;
  std::string kernels;  // the table whose peaks these are: "avx2"
  double read_bytes_per_s = 0;
  double int8_per_s = 0, fp32_per_s = 0;  // operations; a multiply-add is two
};
Limits measure_limits(int threads, std::string_view kernels = "");  // "": of the fastest table

// What computing something takes at the least.
struct Cost {
  double bytes = 0;      // that must come from memory
  double int8 = 0;       // operations of matrix products on bytes
  double fp32 = 0;       // and of those on floats
  double attention = 0;  // of attention, on floats too

  Cost& operator+=(const Cost& other);
  double operations() const { return int8 + fp32 + attention; }
};

// The shortest time that the limits allow: memory and arithmetic go on at the same time, so the longer of the two.
struct Floor {
  double memory_s = 0, arithmetic_s = 0;
  bool by_memory() const { return memory_s >= arithmetic_s; }
  double seconds() const { return by_memory() ? memory_s : arithmetic_s; }
  const char* bound() const { return by_memory() ? "memory" : "arithmetic"; }
};
Floor floor_of(const Cost& cost, const Limits& limits);

}  // namespace troika::apps
