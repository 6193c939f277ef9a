// Tokens per joule in `troika bench MODEL`: what the machine spent while a test ran, whoever spent it, beside what it
// spends when nothing runs. Both are shown, and neither is taken from the other.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/bench_speed.h"
#include "power/governor.h"

namespace troika::apps {

class BenchEnergy {
 public:
  // Where the meter counts anything, measures the machine for two seconds while nothing runs: when the model is loaded.
  BenchEnergy(power::Governor& governor, std::string_view device);

  bool is_measured() const { return source_ != power::Meter::Source::none; }
  nlohmann::ordered_json to_json() const;  // the source, or why there is none
  std::string to_text() const;             // a line

  // Of all runs of a test together; nothing: the meter did not count all of their time, or they were too short for it.
  std::optional<platform::Energy> of(const std::vector<Speed>& runs) const;

 private:
  power::Meter::Source source_;
  std::string missing_;                // why there is no source
  std::optional<double> idle_watts_;
};

}  // namespace troika::apps
