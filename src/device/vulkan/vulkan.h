// Vulkan's functions, found when the program runs (volk): without a driver nothing is loaded and nothing fails.
#pragma once

#define VK_NO_PROTOTYPES
#include <volk.h>

#include <string_view>

namespace troika::device::vulkan {

// Throws Error that says what was tried and what the driver answered.
void check_result(VkResult result, std::string_view what);
// The same as DeviceLost.
[[noreturn]] void lost(VkResult result, std::string_view what);

}  // namespace troika::device::vulkan
