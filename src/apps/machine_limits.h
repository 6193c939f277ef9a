// What this machine's memory and arithmetic can do, measured now: the limits that every speed is a share of.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "device/limits.h"
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

using device::Peaks;

// The best of several runs, each of about a hundredth of a second.
Peaks measure_peaks(const kernels::KernelTable& table, int threads);

// The tables that this build has and this machine can run, in order of their instruction sets; the plain one only where there is no other.
std::vector<const kernels::KernelTable*> fast_tables();

// The limits that a computation on the CPU meets with so many threads, or one on another device.
struct Limits : device::Limits {
  std::string of;  // "8 threads"; else the device, as it describes itself
  int threads = 0;  // of the CPU; 0: of another device
  std::string kernels;  // the CPU's table whose peaks these are: "avx2"
};
Limits measure_limits(int threads, std::string_view kernels = "");  // "": of the fastest table

}  // namespace troika::apps
