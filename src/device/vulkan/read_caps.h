// What a GPU's driver says of it.
#pragma once

#include "device/vulkan/caps.h"
#include "device/vulkan/vulkan.h"

namespace troika::device::vulkan {

bool has_extension(VkPhysicalDevice device, std::string_view name);

Caps read_caps(VkPhysicalDevice device);

}  // namespace troika::device::vulkan
