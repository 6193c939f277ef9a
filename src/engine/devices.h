// The devices that one model runs on: what --device lists, in order of preference.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace troika::engine {

// "vulkan,npu" → vulkan, npu, cpu: the CPU comes last, named or not; "auto" is the CPU alone. Throws Error for a list with an
// empty name, with one twice, or with the CPU before others.
std::vector<std::string> device_list(std::string_view text);

// The list without one of its devices, as --device takes it.
std::string list_without(const std::vector<std::string>& list, int device);

}  // namespace troika::engine
