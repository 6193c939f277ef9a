#include "files/model_file.h"

#include "base/error.h"
#include "files/containers.h"

namespace troika::files {

std::unique_ptr<ModelFile> ModelFile::open(const std::filesystem::path& path) {
  std::error_code error;
  auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) fail("{}: there is no such file or folder", path.string());
  if (std::filesystem::is_directory(status)) return open_safetensors(path);
  if (!std::filesystem::is_regular_file(status)) fail("{} is neither a file nor a folder", path.string());
  if (path.extension() == ".safetensors")
    fail("{}: give the folder that holds this file and its config.json", path.string());
  return open_gguf(path);
}

std::vector<std::string> ModelFile::names() const {
  std::vector<std::string> names;
  for (const TensorEntry& entry : tensors()) names.push_back(entry.name);
  return names;
}

}  // namespace troika::files
