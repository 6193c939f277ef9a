// How far a model is that is being loaded, on a terminal and only when that takes long enough to be noticed.
#pragma once

#include <chrono>
#include <string>

#include "engine/engine.h"

namespace troika::apps {

class LoadView {
 public:
  explicit LoadView(std::string name);
  ~LoadView();  // wipes what it wrote
  LoadView(const LoadView&) = delete;
  LoadView& operator=(const LoadView&) = delete;

  engine::LoadProgress progress();

 private:
  void show(double share);

  const std::string name_;
  const bool is_terminal_;
  const std::chrono::steady_clock::time_point began_;
  int percent_ = -1;  // that is shown
  size_t width_ = 0;
};

}  // namespace troika::apps
