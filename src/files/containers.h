// The two containers behind ModelFile::open.
#pragma once

#include <filesystem>
#include <memory>

#include "files/model_file.h"

namespace troika::files {

std::unique_ptr<ModelFile> open_gguf(const std::filesystem::path& path);
std::unique_ptr<ModelFile> open_safetensors(const std::filesystem::path& folder);

}  // namespace troika::files
