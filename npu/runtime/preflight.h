// Whether a machine is ready for its NPU, as the kernel's files tell it: before any library is asked, and nothing is opened.
// Where it is not, a line says what to do. Requirements: amdxdna's and XRT's sources (docs/npu.md).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace troika::npu {

struct Finding {
  std::string name;  // "memlock"
  bool is_ready;
  std::string text;  // what was found; where it is not ready, then what to do
};

struct Preflight {
  std::vector<Finding> findings;  // in the order of what rests on what
  std::string node;               // "/dev/accel/accel0", "" where there is none

  const Finding* first_fault() const;  // null: ready
};

// Reads sys/, dev/ and proc/ below `root`. `weight_bytes`: that are to lie in memory which the NPU reads.
Preflight preflight(const std::filesystem::path& root, size_t weight_bytes);

// What helps where the kernel refuses with an errno, "": nothing that we know.
std::string_view cure_of(int error);

}  // namespace troika::npu
