// What feeds this machine, from /sys/class/power_supply: the mains, or batteries and how full they are. Batteries of mice
// and the like (scope "Device") are none of ours.
// Documentation: the kernel's Documentation/ABI/testing/sysfs-class-power.
#pragma once

#include <filesystem>
#include <optional>

namespace troika::platform {

struct PowerSupply {
  std::optional<bool> on_battery;         // nothing: the system speaks of no battery
  std::optional<double> charge;           // 0 to 1; of several batteries the mean
  std::optional<double> discharge_watts;  // of the whole machine, its display too; while batteries feed it
};

PowerSupply read_power_supply(const std::filesystem::path& root);

}  // namespace troika::platform
