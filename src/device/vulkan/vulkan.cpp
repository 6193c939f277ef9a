#define VOLK_IMPLEMENTATION
#include "device/vulkan/vulkan.h"

#include <string>

#include "device/device.h"

namespace troika::device::vulkan {
namespace {

std::string meaning(VkResult result) {
  switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY: return "the host has no memory left";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY: return "the GPU has no memory left";
    case VK_ERROR_DEVICE_LOST: return "the GPU was lost; the system's log says why";
    case VK_ERROR_INITIALIZATION_FAILED: return "the driver could not be started";
    case VK_ERROR_INCOMPATIBLE_DRIVER: return "there is no driver for Vulkan";
    default: return fmt::format("Vulkan's error {}", static_cast<int>(result));
  }
}

}  // namespace

void check_result(VkResult result, std::string_view what) {
  if (result < 0) fail("{}: {}", what, meaning(result));
}

void lost(VkResult result, std::string_view what) { throw DeviceLost(fmt::format("{}: {}", what, meaning(result))); }

}  // namespace troika::device::vulkan
