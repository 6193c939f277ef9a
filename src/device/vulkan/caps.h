// What a GPU can do, as plain data: read once from the driver, or from a recorded file in a test.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "device/vulkan/vulkan.h"

namespace troika::device::vulkan {

enum class GpuKind : uint8_t { integrated, discrete, virtual_gpu, software, other };

struct MemoryType {
  bool device_local = false, host_visible = false, host_coherent = false, host_cached = false;
  uint64_t heap_bytes = 0;
  bool operator==(const MemoryType&) const = default;
};

struct Caps {
  std::string name;    // "AMD Radeon 780M (RADV PHOENIX)"
  std::string driver;  // "radv Mesa 25.0.7"
  uint32_t vendor = 0, device = 0, api_version = 0;
  std::string uuid;  // of the device and its driver, in hexadecimal digits: names the cache of pipelines
  GpuKind kind = GpuKind::other;

  bool buffer_addresses = false, storage8 = false, storage16 = false, int8 = false, int16 = false, int64 = false;
  bool subgroup_size_control = false, fast_int8_dot = false;
  uint32_t subgroup_size = 0, least_subgroup_size = 0, most_subgroup_size = 0;
  uint32_t shared_bytes = 0, push_bytes = 0, workgroup_size = 0;
  uint64_t most_allocation_bytes = 0;
  std::vector<MemoryType> memory;  // by Vulkan's number

  bool operator==(const Caps&) const = default;
};

Caps read_caps(VkPhysicalDevice device);

// Why we cannot compute on it; "": we can.
std::string why_not(const Caps& caps);

// The best of several, by kind and then by memory: integrated GPUs first, since they are what Troika is made for and
// share the machine's memory, software only where there is nothing else. −1: none will do.
int best_of(const std::vector<Caps>& gpus);

// The number of the memory type for what the GPU reads and the host writes (and, if `read_back`, reads); −1: none.
int memory_type(const Caps& caps, uint32_t allowed, bool read_back);

}  // namespace troika::device::vulkan
