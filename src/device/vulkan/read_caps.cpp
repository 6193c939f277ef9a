#include "device/vulkan/read_caps.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "device/vulkan/cooperative_matrix.h"

namespace troika::device::vulkan {
namespace {

GpuKind kind_of(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: return GpuKind::integrated;
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return GpuKind::discrete;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: return GpuKind::virtual_gpu;
    case VK_PHYSICAL_DEVICE_TYPE_CPU: return GpuKind::software;
    default: return GpuKind::other;
  }
}

std::string hex(const uint8_t* bytes) {
  std::string text;
  for (size_t i = 0; i < VK_UUID_SIZE; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

// Empty also where something else is lacking that their shaders need.
std::vector<MatrixShape> matrices(VkPhysicalDevice device, VkComponentTypeKHR of, VkComponentTypeKHR sums) {
  if (!has_extension(device, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME)) return {};
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrices{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR,
                                                        nullptr, VK_FALSE, VK_FALSE};
  VkPhysicalDeviceVulkan12Features features12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, &matrices};
  VkPhysicalDeviceVulkan13Features features13{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES, &features12};
  VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &features13};
  vkGetPhysicalDeviceFeatures2(device, &features);
  VkPhysicalDeviceVulkan13Properties properties13{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES};
  VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &properties13};
  vkGetPhysicalDeviceProperties2(device, &properties);
  const bool all = matrices.cooperativeMatrix && features12.vulkanMemoryModel && features13.subgroupSizeControl &&
                   features13.computeFullSubgroups && (properties13.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT);
  const auto list = PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR(
      vkGetInstanceProcAddr(volkGetLoadedInstance(), "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR"));
  if (!all || !list) return {};
  uint32_t count = 0;
  list(device, &count, nullptr);
  std::vector<VkCooperativeMatrixPropertiesKHR> found(count);
  for (auto& each : found) each = {.sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR};
  list(device, &count, found.data());
  std::vector<MatrixShape> shapes;
  for (const auto& each : found) {
    if (each.AType == of && each.BType == of && each.CType == sums && each.ResultType == sums && !each.saturatingAccumulation && each.scope == VK_SCOPE_SUBGROUP_KHR) {
      shapes.push_back({each.MSize, each.NSize, each.KSize});
    }
  }
  return shapes;
}

}  // namespace

bool has_extension(VkPhysicalDevice device, std::string_view name) {
  uint32_t count = 0;
  vkEnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr);
  std::vector<VkExtensionProperties> found(count);
  vkEnumerateDeviceExtensionProperties(device, nullptr, &count, found.data());
  return std::ranges::any_of(found, [&](const auto& extension) { return extension.extensionName == name; });
}

Caps read_caps(VkPhysicalDevice device) {
  VkPhysicalDeviceVulkan11Properties properties11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES};
  VkPhysicalDeviceVulkan12Properties properties12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES, &properties11};
  VkPhysicalDeviceVulkan13Properties properties13{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES, &properties12};
  VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &properties13};
  Caps caps;
  vkGetPhysicalDeviceProperties(device, &properties.properties);
  caps.api_version = properties.properties.apiVersion;
  caps.name = properties.properties.deviceName;
  if (caps.api_version < VK_API_VERSION_1_3) return caps;  // what follows came with 1.3
  vkGetPhysicalDeviceProperties2(device, &properties);
  caps.vendor = properties.properties.vendorID;
  caps.device = properties.properties.deviceID;
  caps.kind = kind_of(properties.properties.deviceType);
  caps.driver = fmt::format("{} {}", properties12.driverName, properties12.driverInfo);
  caps.uuid = hex(properties11.deviceUUID) + hex(properties11.driverUUID);
  caps.subgroup_size = properties11.subgroupSize;
  caps.least_subgroup_size = properties13.minSubgroupSize;
  caps.most_subgroup_size = properties13.maxSubgroupSize;
  caps.subgroup_arithmetic = (properties11.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0 &&
                             (properties11.subgroupSupportedOperations & VK_SUBGROUP_FEATURE_ARITHMETIC_BIT) != 0;
  caps.fast_int8_dot = properties13.integerDotProduct4x8BitPackedSignedAccelerated;
  caps.most_allocation_bytes = properties11.maxMemoryAllocationSize;
  const VkPhysicalDeviceLimits& limits = properties.properties.limits;
  caps.shared_bytes = limits.maxComputeSharedMemorySize;
  caps.push_bytes = limits.maxPushConstantsSize;
  caps.workgroup_size = limits.maxComputeWorkGroupInvocations;

  VkPhysicalDeviceVulkan11Features features11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES};
  VkPhysicalDeviceVulkan12Features features12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, &features11};
  VkPhysicalDeviceVulkan13Features features13{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES, &features12};
  VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &features13};
  vkGetPhysicalDeviceFeatures2(device, &features);
  caps.storage16 = features11.storageBuffer16BitAccess;
  caps.storage8 = features12.storageBuffer8BitAccess;
  caps.int8 = features12.shaderInt8;
  caps.int16 = features.features.shaderInt16;
  caps.int64 = features.features.shaderInt64;
  caps.scalar_layout = features12.scalarBlockLayout;
  caps.buffer_addresses = features12.bufferDeviceAddress;
  caps.int8_matrices = matrices(device, VK_COMPONENT_TYPE_SINT8_KHR, VK_COMPONENT_TYPE_SINT32_KHR);
  if (features12.shaderFloat16) caps.half_matrices = matrices(device, VK_COMPONENT_TYPE_FLOAT16_KHR, VK_COMPONENT_TYPE_FLOAT32_KHR);
  caps.subgroup_size_control = features13.subgroupSizeControl;

  VkPhysicalDeviceMemoryProperties memory;
  vkGetPhysicalDeviceMemoryProperties(device, &memory);
  for (uint32_t i = 0; i < memory.memoryTypeCount; ++i) {
    const VkMemoryPropertyFlags flags = memory.memoryTypes[i].propertyFlags;
    caps.memory.push_back({.device_local = (flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT) != 0,
                           .host_visible = (flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) != 0,
                           .host_coherent = (flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) != 0,
                           .host_cached = (flags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT) != 0,
                           .heap_bytes = memory.memoryHeaps[memory.memoryTypes[i].heapIndex].size});
  }
  return caps;
}

}  // namespace troika::device::vulkan
