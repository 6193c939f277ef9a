#include "engine/image_prompt.h"

#include <algorithm>

#include "base/error.h"

namespace troika::engine {
namespace {

// Whether the token stands for a picture.
bool is_placeholder(std::span<const int32_t> ids, size_t at, const ImageTokens& tokens) {
  if (ids[at] == tokens.image) return true;
  bool image_follows = at + 1 < ids.size() && ids[at + 1] == tokens.image;
  return tokens.begin >= 0 && ids[at] == tokens.begin && !image_follows;
}

}  // namespace

size_t count_placeholders(std::span<const int32_t> ids, const ImageTokens& tokens) {
  size_t count = 0;
  for (size_t at = 0; at < ids.size(); ++at) count += is_placeholder(ids, at, tokens);
  return count;
}

ImagePrompt place_images(std::span<const int32_t> ids, std::span<const SharedPicture> pictures,
                         std::span<const ImageGrid> grids, const ImageTokens& tokens, const vision::HashKey& key) {
  check(pictures.size() == grids.size(), "a grid for each picture");
  ImagePrompt prompt;
  size_t placeholders = count_placeholders(ids, tokens);
  if (placeholders != pictures.size()) {
    fail("the prompt has {} image placeholder{}, but there {} {} picture{}; each picture wants one", placeholders,
         placeholders == 1 ? "" : "s", pictures.size() == 1 ? "is" : "are", pictures.size(),
         pictures.size() == 1 ? "" : "s");
  }
  for (size_t at = 0; at < ids.size(); ++at) {
    bool placeholder = is_placeholder(ids, at, tokens), bare = placeholder && ids[at] != tokens.image;
    if (!placeholder || bare) prompt.tokens.push_back(ids[at]);
    if (!placeholder) continue;
    size_t i = prompt.images.size();
    PlacedImage image{.first = static_cast<int>(prompt.tokens.size()),
                      .count = grids[i].rows * grids[i].columns,
                      .rows = grids[i].rows,
                      .columns = grids[i].columns,
                      .picture = pictures[i],
                      .hash = vision::content_hash(*pictures[i], key)};
    prompt.tokens.insert(prompt.tokens.end(), size_t(image.count), tokens.image);
    prompt.images.push_back(std::move(image));
    bool closed = at + 1 < ids.size() && ids[at + 1] == tokens.end;
    if (bare && tokens.end >= 0 && !closed) prompt.tokens.push_back(tokens.end);
  }
  return prompt;
}

std::vector<RopePosition> rope_positions(int tokens, std::span<const PlacedImage> images) {
  std::vector<RopePosition> positions;
  positions.reserve(size_t(tokens));
  int next = 0;
  auto add_text = [&](int end) {
    while (static_cast<int>(positions.size()) < end) {
      positions.push_back({next, next, next});
      ++next;
    }
  };
  for (const PlacedImage& image : images) {
    add_text(image.first);
    for (int i = 0; i < image.count; ++i) {
      positions.push_back({next, next + i / image.columns, next + i % image.columns});
    }
    next += std::max(image.rows, image.columns);
  }
  add_text(tokens);
  return positions;
}

int rope_shift(std::span<const RopePosition> positions) {
  int largest = -1;
  for (const RopePosition& p : positions) largest = std::max(largest, *std::max_element(p.begin(), p.end()));
  return largest + 1 - static_cast<int>(positions.size());
}

std::vector<TokenRun> image_runs(std::span<const PlacedImage> images) {
  std::vector<TokenRun> runs;
  for (const PlacedImage& image : images) {
    if (runs.empty() || runs.back().end != image.first) runs.push_back({image.first, image.first});
    runs.back().end = image.first + image.count;
  }
  return runs;
}

}  // namespace troika::engine
