// How much memory a GPU could still give, from all who know: the driver's budget, amdgpu's own counters, and, where the GPU
// has no memory of its own, the system. Each of them was seen to be wrong by itself; the smallest answer is taken.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "device/vulkan/context.h"

namespace troika::device::vulkan {

// Bytes that amdgpu says are free for the GPU, its carve-out and the system memory that it may use together; nothing where
// `drm` ("/sys/class/drm") holds no such counters.
std::optional<uint64_t> amdgpu_free_bytes(const std::filesystem::path& drm);

uint64_t free_bytes(const Context& context);

}  // namespace troika::device::vulkan
