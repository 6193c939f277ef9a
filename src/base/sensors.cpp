// See sensors.h. Temperatures and powers lie in hwmon's folders, one a chip; the energy of a CPU's package in powercap's,
// as a counter of which we take the difference.
#include "base/sensors.h"

#include <algorithm>
#include <fstream>
#include <string_view>
#include <system_error>

namespace troika::platform {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kLeastInterval(1);
constexpr std::chrono::minutes kLongestDifference(10);  // a counter may have gone round more than once in a longer time
constexpr int kMostInputs = 16;                         // of one kind in a chip that are looked through

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

std::optional<double> number_in(const fs::path& path) {
  std::ifstream in(path);
  double number = 0;
  if (in >> number) return number;
  return std::nullopt;
}

std::string line_in(const fs::path& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

// In the order of their numbers: hwmon2 comes before hwmon10.
std::vector<fs::path> folders_in(const fs::path& path, std::string_view prefix) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    if (it->path().filename().string().starts_with(prefix)) found.push_back(it->path());
  std::ranges::sort(found, {}, [](const fs::path& p) { return std::pair(p.string().size(), p.string()); });
  return found;
}

std::optional<double> scaled(std::optional<double> number, double unit) {
  if (number) *number *= unit;
  return number;
}

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
  read_energy(now);
  std::erase_if(readings_, [](const Reading& r) { return !r.celsius && !r.watts && !r.busy; });
  std::ranges::sort(readings_, {}, &Reading::sensor);
  return readings_;
}

void Sensors::read_chips() {
  std::map<std::string_view, int> seen;
  for (const fs::path& folder : folders_in(root_ / "sys/class/hwmon", "hwmon")) {
    const auto chip = std::ranges::find(kChips, line_in(folder / "name"), &Chip::driver);
    if (chip == std::end(kChips)) continue;
    Reading& reading = reading_of(numbered(chip->sensor, seen[chip->sensor]++));
    reading.celsius = celsius_of(folder, chip->label);
    reading.watts = watts_of(folder);
    reading.busy = scaled(number_in(folder / "device/gpu_busy_percent"), 0.01);
  }
}

// Most systems let root alone read these.
void Sensors::read_energy(Clock::time_point now) {
  int number = 0;
  for (const fs::path& zone : folders_in(root_ / "sys/class/powercap", "intel-rapl:")) {  // AMD's are called so too
    if (!line_in(zone / "name").starts_with("package-")) continue;
    const std::string sensor = numbered("cpu", number++);
    const auto counter = number_in(zone / "energy_uj");
    if (!counter) continue;
    const Energy last = energies_[sensor], current{static_cast<uint64_t>(*counter), now};
    energies_[sensor] = current;
    if (last.at == Clock::time_point{} || now - last.at > kLongestDifference) continue;
    const auto range = static_cast<uint64_t>(number_in(zone / "max_energy_range_uj").value_or(0));
    if (current.microjoules < last.microjoules && range < last.microjoules) continue;  // began anew
    const uint64_t spent = current.microjoules >= last.microjoules ? current.microjoules - last.microjoules
                                                                   : range - last.microjoules + current.microjoules;
    reading_of(sensor).watts = double(spent) * 1e-6 / std::chrono::duration<double>(now - last.at).count();
  }
}

Reading& Sensors::reading_of(const std::string& sensor) {
  const auto found = std::ranges::find(readings_, sensor, &Reading::sensor);
  return found != readings_.end() ? *found : readings_.emplace_back(Reading{.sensor = sensor});
}

}  // namespace troika::platform
