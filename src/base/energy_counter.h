// What a processor's package has spent, from powercap's counters (RAPL; AMD's have Intel's name too): microjoules that only
// grow and go round at max_energy_range_uj. The package holds all that lies in it, the GPU of an APU too, so nothing else
// is added to it. Most systems let root alone read these.
// Documentation: the kernel's Documentation/power/powercap/powercap.rst.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace troika::platform {

// Joules, and the seconds in which they were spent.
struct Energy {
  double joules = 0, seconds = 0;

  Energy& operator+=(const Energy& other) {
    joules += other.joules;
    seconds += other.seconds;
    return *this;
  }
};

class EnergyCounter {
 public:
  using Clock = std::chrono::steady_clock;

  explicit EnergyCounter(std::filesystem::path zone) : zone_(std::move(zone)) {}

  const std::filesystem::path& zone() const { return zone_; }

  // Since the look before. Nothing: the first look, no permission, or none can tell: the counter began anew (a suspend
  // does that), or so long ago that it may have gone round more than once (10 minutes; 65 kJ are 11 minutes at 100 W).
  std::optional<Energy> read(Clock::time_point now);

 private:
  std::filesystem::path zone_;
  std::optional<uint64_t> last_;  // microjoules
  Clock::time_point looked_;
};

// One a processor package, readable or not. Packages only, neither their parts nor the whole machine (psys).
std::vector<EnergyCounter> package_counters(const std::filesystem::path& root);

}  // namespace troika::platform
