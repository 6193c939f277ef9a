// The files that sysfs has on a laptop with a Ryzen 7 7840U, as far as sensors go.
#pragma once

#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

namespace troika {

inline void put(const std::filesystem::path& file, std::string_view text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text << '\n';
}

inline void make_up_machine(const std::filesystem::path& root) {
  constexpr std::pair<const char*, const char*> kFiles[] = {
      {"hwmon/hwmon0/name", "nvme"},
      {"hwmon/hwmon0/temp1_input", "38850"},
      {"hwmon/hwmon2/name", "k10temp"},
      {"hwmon/hwmon2/temp1_label", "Tctl"},
      {"hwmon/hwmon2/temp1_input", "71250"},
      {"hwmon/hwmon10/name", "amdgpu"},
      {"hwmon/hwmon10/temp1_label", "edge"},
      {"hwmon/hwmon10/temp1_input", "49000"},
      {"hwmon/hwmon10/power1_label", "PPT"},
      {"hwmon/hwmon10/power1_average", "24038000"},
      {"hwmon/hwmon10/device/gpu_busy_percent", "63"},
      {"powercap/intel-rapl:0/name", "package-0"},
      {"powercap/intel-rapl:0/max_energy_range_uj", "65532610987"},
      {"powercap/intel-rapl:0/energy_uj", "1000000"},
      {"powercap/intel-rapl:0:0/name", "core"},
      {"powercap/intel-rapl:0:0/energy_uj", "77000000"},
  };
  for (const auto& [file, text] : kFiles) put(root / "sys/class" / file, text);
}

}  // namespace troika
