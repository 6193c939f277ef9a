#include "engine/fingerprint.h"

#include <algorithm>
#include <fstream>

#include "tensor/format.h"

namespace troika::engine {
namespace {

namespace fs = std::filesystem;

constexpr int kNumbers = 3;  // to be counted up when the same model and options give other keys and values than before
constexpr int kSamples = 16;
constexpr size_t kSampleBytes = 4096;

// The files of a folder, or those of a split model: all that begin with its name up to the number.
std::vector<fs::path> files_of(const fs::path& path) {
  std::vector<fs::path> files;
  const bool is_folder = fs::is_directory(path);
  const std::string name = path.filename();
  const std::string stem = name.substr(0, std::min(name.find("-00001-of-"), name.size()));
  for (const auto& entry : fs::directory_iterator(is_folder ? path : fs::absolute(path).parent_path())) {
    if (entry.is_regular_file() && (is_folder || entry.path().filename().string().starts_with(stem)))
      files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::string samples_of(const fs::path& path, uint64_t bytes) {
  std::ifstream file(path, std::ios::binary);
  std::string all(kSamples * kSampleBytes, '\0');
  for (int i = 0; i < kSamples; ++i) {
    file.clear();
    file.seekg(std::streamoff(bytes / kSamples * uint64_t(i)));
    file.read(all.data() + i * kSampleBytes, kSampleBytes);
  }
  return all;
}

}  // namespace

vision::Hash fingerprint(const Model& model, const EngineOptions& options) {
  std::string facts = fmt::format("{} {} {} {} {} {} {} {} {}", kNumbers, info(model.kv_format).name, options.float32,
                                  options.halves, options.isa, options.quantise, options.slice, options.image_pixels, options.place);
  if (!options.prefill_device.empty()) facts += fmt::format(" {} {}", options.prefill_device, options.prefill_from);
  for (const auto& device : model.devices) facts += fmt::format("\n{}", device->info().description);
  std::vector<fs::path> files = files_of(model.file->path());
  if (model.tower && fs::is_regular_file(model.tower->path())) files.push_back(model.tower->path());
  for (const fs::path& file : files) {
    const uint64_t bytes = fs::file_size(file);
    facts += fmt::format("\n{} {} {}\n", file.filename().string(), bytes,
                         fs::last_write_time(file).time_since_epoch().count());
    facts += samples_of(file, bytes);
  }
  return vision::hash_bytes(std::as_bytes(std::span(facts)), {});
}

}  // namespace troika::engine
