// What this machine's memory and arithmetic can do, measured now: the limits that every speed is a share of.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/kernel_table.h"

namespace troika::apps {

// Bytes per second that `threads` threads read together from memory: each sums its own part of a buffer of
// 256 MiB (more where the last cache is large, less where little memory is free), asking for memory ahead and leaving it
// to the hardware; the better of the two, each the best of four runs.
double measure_read_bandwidth(int threads);

// The same of copying one half of such a buffer to the other: bytes read and bytes written both count.
double measure_copy_bandwidth(int threads);

// Bytes of all caches of the last level; 0 where the system does not say.
size_t last_cache_bytes();

// Operations a second, all threads together; a multiply-add is two.
struct Peaks {
  double fp32 = 0;
  double int8 = 0;  // products of bytes, summed in integers
  double bf16 = 0;  // products of bf16 pairs; 0: the table has none
};

// The best of several runs, each of about a hundredth of a second.
Peaks measure_peaks(const kernels::KernelTable& table, int threads);

// The tables that this build has and this machine can run, in order of their instruction sets; the plain one only where there is no other.
std::vector<const kernels::KernelTable*> fast_tables();

// The limits that a computation with so many threads meets.
struct Limits {
  int threads = 1;
  std::string kernels;  // the table whose peaks these are: "avx2"
  double read_bytes_per_s = 0;
  Peaks peaks;
};
Limits measure_limits(int threads, std::string_view kernels = "");  // "": of the fastest table
}  // namespace troika::apps
