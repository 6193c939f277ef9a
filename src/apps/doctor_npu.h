// What `troika doctor --npu` says: whether the machine is ready for its NPU, whether that multiplies right, how fast it is. As
// JSON it is what a user can send us.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "npu/runtime/calibrate.h"
#include "npu/runtime/open.h"
#include "npu/runtime/preflight.h"

namespace troika::apps {

struct NpuReport {
  npu::Preflight machine;
  std::string plugin;  // path; "": the simulator
  std::optional<npu::OpenedArray> array;
  std::optional<npu::Measured> measured;  // nothing where it is simulated
  std::string why_not;  // there is no array, or nothing measured
};

NpuReport examine_npu(const std::filesystem::path& root);  // takes some seconds where there is one

nlohmann::ordered_json to_json(const NpuReport& report);

struct NpuLine {
  std::string label, text;
};
std::vector<NpuLine> lines_about(const NpuReport& report);

}  // namespace troika::apps
