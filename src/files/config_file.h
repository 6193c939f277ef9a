// A published config.json without its weights: enough to say how large a model is before downloading it.
#pragma once

#include <filesystem>
#include <memory>

#include "files/model_file.h"

namespace troika::files {

// `path`: a config.json, or the folder that holds it. Its keys read as those of a safetensors folder; it has no
// tensors, and whoever looks for one finds nothing. Throws Error.
std::unique_ptr<ModelFile> open_config(const std::filesystem::path& path);

// Whether a path is a config.json, or a folder with one and no weights.
bool is_config_only(const std::filesystem::path& path);

}  // namespace troika::files
