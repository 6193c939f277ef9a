// What is kept on disk for the next start: pipelines as a driver compiled them, and what was measured. A file of each for each
// GPU and driver; what is damaged, or was made with other shaders, counts as nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "device/vulkan/caps.h"

namespace troika::device::vulkan {

// In the user's cache folder; "" where the user has no home. What: "pipelines", "measured".
std::filesystem::path kept_file(const Caps& caps, std::string_view what);

uint64_t hash_of_shaders();  // of all that Troika was built with

std::string read_kept(const std::filesystem::path& file, uint64_t shaders);  // "": nothing
void write_kept(const std::filesystem::path& file, uint64_t shaders, std::string_view content);  // throws Error

}  // namespace troika::device::vulkan
