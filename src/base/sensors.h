// What this machine's sensors say, as sysfs tells it: temperatures, powers, and how busy a GPU says it is. What is not
// there, or not for us to read, is left out.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/energy_counter.h"

namespace troika::platform {

struct Reading {
  std::string sensor;  // "cpu", "gpu", "npu"; a second one is "gpu1"
  std::optional<double> celsius;
  std::optional<double> watts;  // of a CPU: of its package, with all that lies in it
  std::optional<double> busy;   // 0 to 1
};

class Sensors {
 public:
  using Clock = std::chrono::steady_clock;

  // `root`: "/", but in tests.
  explicit Sensors(std::filesystem::path root) : root_(std::move(root)) {}

  // Looks at most once a second, and else says again what it saw. In order of names; none without any value.
  const std::vector<Reading>& read(Clock::time_point now);

 private:
  void read_chips();
  void read_packages(Clock::time_point now);
  Reading& reading_of(const std::string& sensor);

  std::filesystem::path root_;
  std::vector<Reading> readings_;
  std::optional<Clock::time_point> looked_;
  std::vector<EnergyCounter> packages_;
};

}  // namespace troika::platform
