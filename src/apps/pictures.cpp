#include "apps/pictures.h"

#include <algorithm>
#include <span>

#include "base/error.h"
#include "base/file_map.h"
#include "vision/decode.h"

namespace troika::apps {

engine::SharedPicture read_picture(const std::filesystem::path& path) {
  try {
    auto file = FileMap::open(path);
    return std::make_shared<vision::Picture>(vision::decode(file->bytes()));
  } catch (const Error& error) {
    std::string why = error.what();
    if (why.find(path.string()) != std::string::npos) throw;
    fail("{}: {}", path.string(), why);
  }
}

std::vector<engine::SharedPicture> read_pictures(std::span<const std::string> paths) {
  std::vector<engine::SharedPicture> pictures;
  for (const std::string& path : paths) pictures.push_back(read_picture(path));
  return pictures;
}

std::vector<engine::ImagePrompt> show_pictures(const engine::Engine& engine, std::vector<std::vector<int32_t>> prompts,
                                               std::span<const engine::SharedPicture> pictures) {
  std::vector<engine::ImagePrompt> placed;
  if (pictures.empty()) {
    for (auto& prompt : prompts) placed.push_back({std::move(prompt), {}});
    return placed;
  }
  const engine::Eyes& eyes = engine::eyes_of(engine);
  std::vector<size_t> counts;
  size_t total = 0;
  for (const auto& prompt : prompts) total += counts.emplace_back(eyes.placeholders(prompt));
  bool all_each = std::all_of(counts.begin(), counts.end(), [&](size_t n) { return n == 0 || n == pictures.size(); });
  if (total != pictures.size() && (!all_each || total == 0)) {
    fail("the prompts have {} image placeholders in all for {} pictures; give one --image for each", total,
         pictures.size());
  }
  std::span<const engine::SharedPicture> left = pictures;
  for (size_t i = 0; i < prompts.size(); ++i) {
    if (total != pictures.size()) left = pictures;
    placed.push_back(eyes.place(prompts[i], left.first(counts[i])));
    left = left.subspan(counts[i]);
  }
  return placed;
}

}  // namespace troika::apps
