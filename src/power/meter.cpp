#include "power/meter.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/power_supply.h"
#include "base/sysfs.h"

namespace troika::power {
namespace {

constexpr double kLongestGap_s = 60;  // between two looks at a battery's power

}  // namespace

Meter::Meter(const std::filesystem::path& root) : root_(root), packages_(platform::package_counters(root)) {
  const auto unreadable = std::ranges::find_if(packages_, [](const platform::EnergyCounter& package) {
    return !platform::number_in(package.zone() / "energy_uj");
  });
  const bool has_battery = platform::read_power_supply(root).on_battery.has_value();
  if (packages_.empty())
    missing_ = fmt::format("this system has no counter of the processor's energy ({})",
                           (root / "sys/class/powercap/intel-rapl:0").string());
  else if (unreadable != packages_.end())
    missing_ = fmt::format("{} is for root alone; to have energy counted, until the next boot: sudo chmod a+r {}/energy_uj",
                           (unreadable->zone() / "energy_uj").string(), (root / "sys/class/powercap/intel-rapl:*").string());
  if (missing_.empty()) source_ = Source::package;
  else if (has_battery) source_ = Source::battery;
}

platform::Energy Meter::read(Clock::time_point now) {
  switch (source_) {
    case Source::none:
      break;
    case Source::package:
      read_packages(now);
      break;
    case Source::battery:
      read_battery(now);
      break;
  }
  return spent_;
}

// All packages, or the time does not count.
void Meter::read_packages(Clock::time_point now) {
  platform::Energy all;
  size_t told = 0;
  for (platform::EnergyCounter& package : packages_) {
    const auto spent = package.read(now);
    if (!spent) continue;
    ++told;
    all = {.joules = all.joules + spent->joules, .seconds = spent->seconds};
  }
  if (told == packages_.size()) spent_ += all;
}

void Meter::read_battery(Clock::time_point now) {
  const auto watts = platform::read_power_supply(root_).discharge_watts;
  const double seconds = std::chrono::duration<double>(now - looked_).count();
  if (watts_ && watts && seconds <= kLongestGap_s)
    spent_ += {.joules = (*watts_ + *watts) / 2 * seconds, .seconds = seconds};
  watts_ = watts;
  looked_ = now;
}

}  // namespace troika::power
