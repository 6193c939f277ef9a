// What the planner says that a model's tests will take on this machine, to stand beside what they took.
#pragma once

#include <memory>
#include <string>

#include "apps/model_options.h"

namespace troika::apps {

// How far what is measured may be from what was predicted, as a share of that; beyond, predictions are off.
inline constexpr double kPromptBound = 0.3, kAnswerBound = 0.2;

class Forecast {
 public:
  // On the device that computes, by what was kept of this machine. Throws Error where nothing was kept of that device; it
  // says how to get that.
  explicit Forecast(const ModelOptions& options);
  ~Forecast();

  // Tokens a second, as bench_speed.h measures them.
  double prompt_rate(int tokens, int depth);
  double generation_rate(int tokens, int users, int depth);

  std::string cure() const;  // what to do where predictions are off: a sentence

 private:
  struct Planned;
  std::unique_ptr<Planned> planned_;
};

}  // namespace troika::apps
