#include "base/power_supply.h"

#include <cmath>
#include <string>

#include "base/sysfs.h"

namespace troika::platform {
namespace {

namespace fs = std::filesystem;

// Some drivers count what flows out as negative. A battery gives its power, or a current (µA) and a voltage (µV).
std::optional<double> watts_of(const fs::path& battery) {
  if (const auto power = scaled(number_in(battery / "power_now"), 1e-6)) return std::abs(*power);
  const auto current = number_in(battery / "current_now"), voltage = number_in(battery / "voltage_now");
  if (current && voltage) return std::abs(*current * *voltage) * 1e-12;
  return std::nullopt;
}

void add(std::optional<double>& sum, std::optional<double> term) {
  if (term) sum = sum.value_or(0) + *term;
}

}  // namespace

PowerSupply read_power_supply(const fs::path& root) {
  int batteries = 0, chargers = 0, charges = 0;
  bool discharges = false, is_plugged_in = false;
  std::optional<double> charge, watts;
  for (const fs::path& supply : folders_in(root / "sys/class/power_supply", "")) {
    const std::string type = line_in(supply / "type");
    if (line_in(supply / "scope") == "Device") continue;
    if (type == "Battery" && number_in(supply / "present").value_or(1) != 0) {
      ++batteries;
      const auto capacity = scaled(number_in(supply / "capacity"), 0.01);
      charges += capacity.has_value();
      add(charge, capacity);
      if (line_in(supply / "status") != "Discharging") continue;
      discharges = true;
      add(watts, watts_of(supply));
    } else if (type == "Mains" || type == "USB") {
      ++chargers;
      is_plugged_in |= number_in(supply / "online").value_or(0) > 0;
    }
  }
  if (batteries == 0) return {};
  const bool on_battery = chargers > 0 ? !is_plugged_in : discharges;
  return {.on_battery = on_battery,
          .charge = charges > 0 ? scaled(charge, 1.0 / charges) : std::nullopt,
          .discharge_watts = on_battery ? watts : std::nullopt};
}

}  // namespace troika::platform
