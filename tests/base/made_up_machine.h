// The files that sysfs has on a laptop with a Ryzen 7 7840U, as far as sensors go.
#pragma once

#include <filesystem>
#include <fstream>
#include <string_view>

namespace troika {

inline void put(const std::filesystem::path& file, std::string_view text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text << '\n';
}

inline void make_up_machine(const std::filesystem::path& root) {
  const auto hwmon = root / "sys/class/hwmon";
  put(hwmon / "hwmon0/name", "nvme");
  put(hwmon / "hwmon0/temp1_input", "38850");
  put(hwmon / "hwmon2/name", "k10temp");
  put(hwmon / "hwmon2/temp1_label", "Tctl");
  put(hwmon / "hwmon2/temp1_input", "71250");
  put(hwmon / "hwmon10/name", "amdgpu");
  put(hwmon / "hwmon10/temp1_label", "edge");
  put(hwmon / "hwmon10/temp1_input", "49000");
  put(hwmon / "hwmon10/power1_label", "PPT");
  put(hwmon / "hwmon10/power1_average", "24038000");
  put(hwmon / "hwmon10/device/gpu_busy_percent", "63");
  const auto package = root / "sys/class/powercap/intel-rapl:0";
  put(package / "name", "package-0");
  put(package / "max_energy_range_uj", "65532610987");
  put(package / "energy_uj", "1000000");
  put(root / "sys/class/powercap/intel-rapl:0:0/name", "core");
  put(root / "sys/class/powercap/intel-rapl:0:0/energy_uj", "77000000");
}

}  // namespace troika
