// See sensors.h. Temperatures and powers lie in hwmon's folders, one a chip; the energy of a CPU's package in powercap's,
// as a counter (energy_counter.h).
#include "base/sensors.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "base/sysfs.h"

namespace troika::platform {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kLeastInterval(1);
constexpr int kMostInputs = 16;  // of one kind in a chip that are looked through

// A chip by its driver, whose sensor we say it is, and which of its temperatures stands for it.
struct Chip {
  std::string_view driver, sensor, label;
};
constexpr Chip kChips[] = {
    {"k10temp", "cpu", "Tctl"},       // AMD
    {"coretemp", "cpu", "Package id"},  // Intel
    {"amdgpu", "gpu", "edge"},
    {"amdxdna", "npu", ""},
};

// The labelled temperature, or the first where none has that label.
std::optional<double> celsius_of(const fs::path& chip, std::string_view label) {
  for (int i = 1; i <= kMostInputs; ++i) {
    const std::string input = "temp" + std::to_string(i);
    if (!line_in(chip / (input + "_label")).starts_with(label)) continue;
    if (const auto found = number_in(chip / (input + "_input"))) return scaled(found, 1e-3);
  }
  return scaled(number_in(chip / "temp1_input"), 1e-3);
}

std::optional<double> watts_of(const fs::path& chip) {
  const auto average = number_in(chip / "power1_average");
  return scaled(average ? average : number_in(chip / "power1_input"), 1e-6);
}

std::string numbered(std::string_view sensor, int number) {
  return number == 0 ? std::string(sensor) : std::string(sensor) + std::to_string(number);
}

}  // namespace

const std::vector<Reading>& Sensors::read(Clock::time_point now) {
  if (looked_ && now - *looked_ < kLeastInterval) return readings_;
  looked_ = now;
  readings_.clear();
  read_chips();
  read_packages(now);
  std::erase_if(readings_, [](const Reading& r) { return !r.celsius && !r.watts && !r.busy; });
  std::ranges::sort(readings_, {}, &Reading::sensor);
  return readings_;
}

void Sensors::read_chips() {
  std::map<std::string_view, int> seen;
  for (const fs::path& folder : folders_in(root_ / "sys/class/hwmon", "hwmon")) {
    const auto chip = std::ranges::find(kChips, line_in(folder / "name"), &Chip::driver);
    if (chip == std::end(kChips)) continue;
    const std::string sensor = numbered(chip->sensor, seen[chip->sensor]++);
    if (line_in(folder / "device/power/runtime_status") == "suspended") continue;  // to read it would wake it up
    Reading& reading = reading_of(sensor);
    reading.celsius = celsius_of(folder, chip->label);
    reading.watts = watts_of(folder);
    reading.busy = scaled(number_in(folder / "device/gpu_busy_percent"), 0.01);
  }
}

void Sensors::read_packages(Clock::time_point now) {
  if (packages_.empty()) packages_ = package_counters(root_);
  for (size_t i = 0; i < packages_.size(); ++i)
    if (const auto spent = packages_[i].read(now)) reading_of(numbered("cpu", int(i))).watts = spent->joules / spent->seconds;
}

Reading& Sensors::reading_of(const std::string& sensor) {
  const auto found = std::ranges::find(readings_, sensor, &Reading::sensor);
  return found != readings_.end() ? *found : readings_.emplace_back(Reading{.sensor = sensor});
}

}  // namespace troika::platform
