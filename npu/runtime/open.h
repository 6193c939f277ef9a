// From a machine to an array that multiplies: what drives it is found, the machine is looked at, the array is configured and
// tested. Any "no" on the way is one sentence.
//
// A life: opened; lost, when a run does not end well or ends with a wrong answer; opened once more by whoever opens an array
// next; lost again: off until the process ends. Whatever is lost, others go on with the work. What is refused, since there is
// no memory or no context left, ends no life.
#pragma once

#include <filesystem>
#include <string>

#include "npu/runtime/gemm_array.h"
#include "npu/runtime/sharing.h"

namespace troika::npu {

constexpr const char* kSimulated = "simulated";

struct ArrayOptions {
  std::string plugin;  // a path; kSimulated; "": the one that is installed, else kSimulated
  std::filesystem::path root = "/";
  size_t weight_bytes = 0;  // that an NPU will read
};

ArrayOptions wanted_array();  // as TROIKA_NPU_PLUGIN says

// The plug-in's path; "": the simulator.
std::string plugin_of(const ArrayOptions& options);

struct OpenedArray {
  GemmArray gemm;
  std::string plugin;  // path
  Sharing sharing;     // not tried where it is simulated
  int tested = 0;      // designs whose product was right; those that are only simulated besides are not tried
  int life = 0;        // how many were lost before it was opened
};

// Throws Error.
OpenedArray open_array(const ArrayOptions& options);

// Says what becomes of an array that was lost in that life. All that fails of one life, in whatever number of arrays that were
// opened of it, is one loss: when a driver resets the NPU, everybody's runs end.
std::string count_loss(const std::string& plugin, int life);

}  // namespace troika::npu
