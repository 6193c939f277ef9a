#include "files/config_file.h"

#include "base/error.h"
#include "base/file_map.h"
#include "files/json.h"

namespace troika::files {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestConfig = size_t{16} << 20;
constexpr size_t kLongestText = size_t{128} << 20;

fs::path config_of(const fs::path& path) { return fs::is_directory(path) ? path / "config.json" : path; }

class ConfigFile final : public ModelFile {
 public:
  explicit ConfigFile(fs::path path) : path_(std::move(path)) {
    fs::path config = config_of(path_);
    if (!fs::is_regular_file(config)) {
      fail("{} has no config.json; a Hugging Face folder, its config.json or a .gguf file is expected", path_.string());
    }
    add_json(metadata_, read_text_file(config, kLongestConfig), "", config.string());
  }

  FileKind kind() const override { return FileKind::safetensors; }
  const fs::path& path() const override { return path_; }
  const Metadata& metadata() const override { return metadata_; }
  std::optional<WeightView> find(std::string_view) const override { return std::nullopt; }
  std::span<const TensorEntry> tensors() const override { return {}; }
  size_t bytes() const override { return 0; }
  std::string text_file(std::string_view name) const override {
    fs::path file = config_of(path_).parent_path() / name;
    return fs::is_regular_file(file) ? read_text_file(file, kLongestText) : "";
  }

 private:
  fs::path path_;
  Metadata metadata_;
};

}  // namespace

std::unique_ptr<ModelFile> open_config(const fs::path& path) { return std::make_unique<ConfigFile>(path); }

bool is_config_only(const fs::path& path) {
  if (fs::is_regular_file(path)) return path.extension() == ".json";
  if (!fs::is_directory(path) || !fs::is_regular_file(path / "config.json")) return false;
  for (const auto& file : fs::directory_iterator(path)) {
    if (file.path().extension() == ".safetensors") return false;
  }
  return true;
}

}  // namespace troika::files
