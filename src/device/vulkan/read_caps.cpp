#include "device/vulkan/read_caps.h"

#include <fmt/format.h>

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

}  // namespace

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
