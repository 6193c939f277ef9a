// What the plans that founded Troika ask of the models that they name, beside what memory and arithmetic of a machine allow.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ops/program.h"
#include "plan/hardware.h"

namespace troika::plan {

struct Target {
  std::string_view name;     // "Qwen2.5-7B, first plan"
  std::string_view family;   // of the model
  double billions;           // of its text's parameters
  double low, high;          // asked tokens a second
  double gigabytes;          // of its weights, as asked
};

// Limits, not predictions: every byte of weights and cache is read once a step, every operation done at the bound, both at
// the same time; 1024 tokens of q8_0 cache a user.
struct TargetLimits {
  Target target;
  double bits = 0;                 // a weight
  double one_stream = 0;           // tokens a second
  double one_with_drafter = 0;     // three drafts a step by a small trained head, as others measured
  int users_for_low = 0, users_for_high = 0;  // answered at once, for that sum of all; 0: no number of them
  double eight_with_drafter = 0;   // the sum of 8 users
  double ceiling = 0;              // the sum of however many, by arithmetic alone

  std::string verdict() const;  // "an aggregate of 9 to 14 users; one stream reaches 25"
};

// Rows of this model; none, where the plans do not name it. `program`: of one token.
std::vector<TargetLimits> limits_of_targets(const ops::Program& program, std::string_view family, const Bounds& bounds);

}  // namespace troika::plan
