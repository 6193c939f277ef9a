// A plug-in that drives an array, loaded when the program runs.
#pragma once

#include <filesystem>

#include "npu/plugin/abi.h"

namespace troika::npu {

// It stays loaded for ever. Throws Error where it is missing, is none, speaks another version or lacks a function.
const abi::Plugin& load_plugin(const std::filesystem::path& path);

}  // namespace troika::npu
