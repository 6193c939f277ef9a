// What this machine offers: instruction sets, cores, memory. Read once; limits of control groups are respected.
#pragma once

#include <cstddef>
#include <string>

namespace troika::platform {

struct Cpu {
  std::string name;      // as /proc/cpuinfo spells it
  int cores = 1;         // physical cores this process may use, at least 1
  bool avx2 = false;     // AVX2, FMA and F16C together
  bool avx512 = false;   // AVX-512 F, BW, DQ, VL and VNNI together
};
const Cpu& cpu();

struct Memory {
  size_t total_bytes = 0;      // of the machine or of the control group, whichever is smaller
  size_t available_bytes = 0;  // what could be used now without swapping
};
Memory memory();

size_t resident_bytes();  // of this process, now

// Returns freed memory to the system: after something large and rare, such as a request of many megabytes.
void give_back_memory();

}  // namespace troika::platform
