// Tokens per joule in `troika bench MODEL`: what the machine spent while a test ran, whoever spent it, beside what it
// spends when nothing runs. Both are shown, and neither is taken from the other.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/bench_speed.h"
#include "apps/doctor_gpus.h"
#include "power/governor.h"

namespace troika::apps {

// Whether one of them is a GPU on a card of its own, of which the processor's counter knows nothing.
// `ask`: about the machine's GPUs, where there is need.
bool has_card(std::span<const std::string> devices, const std::function<VulkanGpus()>& ask = ask_vulkan);

class BenchEnergy {
 public:
  // Where the meter counts anything, measures the machine for two seconds while nothing runs: when the model is loaded.
  // `devices`: that compute, as device_list() gives them.
  BenchEnergy(power::Governor& governor, std::span<const std::string> devices);

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
