#include "engine/picture_memory.h"

namespace troika::engine {
namespace {

// A picture's name in the feature cache: what one owner showed no other can tell from the time it takes.
vision::Hash own_name(const Running& running, const SeenImage& image) {
  return vision::hash_bytes(std::as_bytes(std::span(running.request.owner)), {image.hash.low, image.hash.high});
}

// Pictures are large, and their features stay.
void forget_pixels(Running& running) {
  for (PlacedImage& image : running.request.images) image.picture = nullptr;
}

}  // namespace

bool PictureMemory::recalls(Running& running) {
  bool all = true;
  for (SeenImage& image : running.sequence.images) {
    image.features = seen_.find(own_name(running, image));
    all &= image.features != nullptr;
  }
  if (all) forget_pixels(running);
  return all;
}

PictureMemory::Looked PictureMemory::look(Running& running, const VisionTower& tower, const Eyes& eyes) {
  std::vector<SeenImage>& images = running.sequence.images;
  for (size_t i = 0; i < images.size(); ++i) {
    SeenImage& image = images[i];
    const vision::Hash name = own_name(running, image);
    if (!image.features) image.features = seen_.find(name);
    if (image.features) continue;
    if (!running.seeing) {
      running.seeing = std::make_unique<VisionTower::Run>(tower, eyes.prepare(*running.request.images[i].picture));
    }
    const auto begin = Running::Clock::now();
    const bool is_done = running.seeing->advance();
    const double busy_s = std::chrono::duration<double>(Running::Clock::now() - begin).count();
    if (!is_done) return {.busy_s = busy_s};
    image.features = running.seeing->take();
    running.seeing = nullptr;
    seen_.put(name, image.features);
    const bool has_all = i + 1 == images.size();
    if (has_all) forget_pixels(running);
    return {.has_all = has_all, .tokens = image.count, .busy_s = busy_s};
  }
  forget_pixels(running);
  return {.has_all = true};
}

}  // namespace troika::engine
