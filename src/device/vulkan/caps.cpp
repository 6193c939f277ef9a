#include "device/vulkan/caps.h"

#include <fmt/format.h>

namespace troika::device::vulkan {
namespace {

constexpr uint32_t kVulkan13 = 1u << 22 | 3u << 12;
constexpr uint32_t kSharedBytes = 28 << 10, kPushBytes = 128, kWorkgroupSize = 512;  // what our shaders use
constexpr uint32_t kSubgroupLanes = 4;  // at least: shaders/lib/whole_numbers.glsl has room for so many of them

}  // namespace

std::string why_not(const Caps& caps) {
  if (caps.api_version < kVulkan13) return "its driver offers Vulkan older than 1.3";
  struct Need {
    bool met;
    std::string_view what;
  };
  const Need needs[] = {{caps.buffer_addresses, "addresses of buffers"},
                        {caps.storage8 && caps.int8, "8-bit numbers"},
                        {caps.storage16 && caps.int16, "16-bit numbers"},
                        {caps.int64, "64-bit numbers"},
                        {caps.scalar_layout, "scalar layout of structs"},
                        {caps.subgroup_arithmetic, "sums over subgroups"},
                        {caps.least_subgroup_size >= kSubgroupLanes, "subgroups of at least 4 lanes"},
                        {caps.shared_bytes >= kSharedBytes, "28 KB of shared memory"},
                        {caps.push_bytes >= kPushBytes, "128 bytes of push constants"},
                        {caps.workgroup_size >= kWorkgroupSize, "workgroups of 512"},
                        {memory_type(caps, ~0u, false) >= 0, "memory that the host writes to"}};
  for (const Need& need : needs) {
    if (!need.met) return fmt::format("it lacks {}", need.what);
  }
  return "";
}

bool starts_in_order(const Caps& caps) {
  constexpr uint32_t kNvidia = 0x10de;
  return caps.vendor == kNvidia;
}

std::string_view name_of(GpuKind kind) {
  switch (kind) {
    case GpuKind::integrated: return "integrated GPU";
    case GpuKind::discrete: return "GPU with memory of its own";
    case GpuKind::virtual_gpu: return "virtual GPU";
    case GpuKind::software: return "software";
    case GpuKind::other: break;
  }
  return "GPU of an unknown kind";
}

int memory_type(const Caps& caps, uint32_t allowed, bool read_back) {
  int best = -1, best_score = -1;
  for (size_t i = 0; i < caps.memory.size(); ++i) {
    const MemoryType& type = caps.memory[i];
    if (!(allowed >> i & 1) || !type.host_visible || !type.host_coherent) continue;
    // The host reads uncached memory at a crawl; the GPU reads memory that is not its own at the bus's speed.
    const int score = read_back ? 2 * type.host_cached + type.device_local : 2 * type.device_local + !type.host_cached;
    if (score > best_score) best = static_cast<int>(i), best_score = score;
  }
  return best;
}

}  // namespace troika::device::vulkan
