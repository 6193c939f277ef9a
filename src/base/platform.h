// What this machine offers: instruction sets, cores, memory. Affinity masks and limits of control groups (both
// versions, ours and those above it) are respected.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace troika::platform {

// The cores that this process may compute on.
struct Cores {
  // Of each physical core the hardware threads that we may use, by number; cores of a NUMA node stand together.
  // Never empty.
  std::vector<std::vector<int>> threads = {{0}};
  int usable = 1;           // of these: all, or fewer where a control group's quota of time holds fewer
  double quota = 0;         // that quota, in cores; 0: none
  bool restricted = false;  // an affinity mask or a quota leaves part of the machine to others
  int numa_nodes = 1;       // on which these cores lie
};

struct Cpu {
  std::string name;      // as /proc/cpuinfo spells it
  int cores = 1;         // physical cores this process may use, at least 1: topology.usable
  Cores topology;
  bool avx2 = false;     // AVX2, FMA and F16C together
  bool avx512 = false;   // AVX-512 F, BW, DQ, VL and VNNI together
};
const Cpu& cpu();  // read once

struct Memory {
  size_t total_bytes = 0;      // of the machine or of the control group, whichever is smaller
  size_t available_bytes = 0;  // what could be used now without swapping; files that the kernel caches count as free
};
Memory memory();  // now

// The same from proc/ and sys/ under another root, for tests. `allowed`: hardware threads of the affinity mask.
Cores find_cores(const std::filesystem::path& root, std::span<const int> allowed);
Memory find_memory(const std::filesystem::path& root);

// Keeps the calling thread on these hardware threads. False when the system refuses.
bool pin_this_thread(std::span<const int> threads);

size_t resident_bytes();  // of this process, now

// Lets this process have so many files and sockets open, if it may not yet and as far as the system allows; returns how
// many it may have.
size_t allow_open_files(size_t wanted);

// Returns freed memory to the system: after something large and rare, such as a request of many megabytes.
void give_back_memory();

}  // namespace troika::platform
