// What the planner says that a model's tests will take on this machine, to stand beside what they took.
#pragma once

#include <memory>
#include <string>

#include "apps/model_options.h"

namespace troika::apps {

class Forecast {
 public:
  // On the device that computes, by what was kept of this machine. Throws Error where nothing was kept of that device.
  explicit Forecast(const ModelOptions& options);
  ~Forecast();

  // Tokens a second, as bench_speed.h measures them.
  double prompt_rate(int tokens, int depth);
  double generation_rate(int tokens, int users, int depth);

 private:
  struct Planned;
  std::unique_ptr<Planned> planned_;
};

}  // namespace troika::apps
