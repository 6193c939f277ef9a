// What a GPU's time goes to: each dispatch timed by itself, for TROIKA_VULKAN_PROFILE=1. A step takes less than their sum, as
// dispatches overlap there, or wait for each other without a barrier.
#pragma once

#include <string>
#include <vector>

#include "device/vulkan/recorder.h"

namespace troika::device::vulkan {

class Profile {
 public:
  // `rows`: that a step has room for.
  Profile(std::string gpu, int rows) : gpu_(std::move(gpu)), rows_(rows) {}
  void add(const Recorder& recorder);  // a step that was waited for; the first is not counted
  void add(const std::string& name, double seconds);  // a dispatch of a step
  void end_step() { ++steps_; }
  std::string table() const;  // the costliest first; "": no step was added

 private:
  struct Line {
    std::string name;
    size_t dispatches = 0;
    double seconds = 0;
  };
  const std::string gpu_;
  const int rows_;
  std::vector<Line> lines_;
  size_t steps_ = 0;
  bool is_warm_ = false;
};

}  // namespace troika::device::vulkan
