// The energy that this machine spent: of the processor's packages where their counters are readable, else what flowed out
// of the batteries. Never of both, nor of a part besides its package: the package of an APU holds its GPU and NPU. A
// discrete GPU is in neither, but for a battery's.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/energy_counter.h"

namespace troika::power {

class Meter {
 public:
  using Clock = std::chrono::steady_clock;

  enum class Source : uint8_t { none, package, battery };

  explicit Meter(const std::filesystem::path& root);

  // Joules so far, and the seconds in which they were spent: those between two looks that both could tell. To be asked
  // every minute or more often.
  platform::Energy read(Clock::time_point now);

  Source source() const { return source_; }
  const std::string& missing() const { return missing_; }  // why no counter is read, and the cure; "": it is
  bool is_locked() const { return !packages_.empty() && source_ != Source::package; }  // there is one, for root alone

 private:
  void read_packages(Clock::time_point now);
  void read_battery(Clock::time_point now);

  std::filesystem::path root_;
  Source source_ = Source::none;
  std::string missing_;
  std::vector<platform::EnergyCounter> packages_;
  std::optional<double> watts_;  // out of the batteries, at the last look
  Clock::time_point looked_;
  platform::Energy spent_;
};

inline constexpr std::string_view kSourceNames[] = {"none", "package", "battery"};

// The least time that the source tells something of: a battery's gauge follows the load within seconds.
inline constexpr double kLeastSeconds[] = {0, 0.05, 30};

}  // namespace troika::power
