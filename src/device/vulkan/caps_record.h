// A GPU's capabilities as a JSON record: what `troika doctor --gpus --json` prints, and what tests read in place of a GPU.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "device/vulkan/caps.h"

namespace troika::device::vulkan {

nlohmann::ordered_json record_of(const Caps& caps);
Caps caps_of(const nlohmann::ordered_json& record);  // throws Error that names what it lacks; ignores what it does not know

}  // namespace troika::device::vulkan
