// Pipelines as a driver compiled them, kept on disk so that the next start need not compile them again. One file for each
// GPU and driver; what is damaged, or was made of other shaders, counts as nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "device/vulkan/caps.h"

namespace troika::device::vulkan {

std::filesystem::path pipeline_file(const Caps& caps);  // in the user's cache folder; "" where the user has no home

uint64_t hash_of_shaders();  // of all that Troika was built with

std::string read_pipelines(const std::filesystem::path& file, uint64_t shaders);  // "": nothing
void write_pipelines(const std::filesystem::path& file, uint64_t shaders, std::string_view pipelines);  // throws Error

}  // namespace troika::device::vulkan
