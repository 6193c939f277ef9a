#include "apps/bench_serve_picture.h"

#include <png.h>

#include <random>
#include <span>
#include <vector>

#include "base/error.h"
#include "server/base64.h"

namespace troika::apps::load {

std::string picture_url(uint64_t seed, int side) {
  constexpr int kRectangles = 12;
  std::mt19937_64 random(seed);
  std::vector<uint8_t> pixels(size_t(side) * side * 3, 255);
  for (int i = 0; i < kRectangles; ++i) {
    const int left = int(random() % side), top = int(random() % side);
    const int right = left + int(random() % (side - left)), bottom = top + int(random() % (side - top));
    const uint64_t colour = random();
    for (int y = top; y <= bottom; ++y) {
      for (int x = left; x <= right; ++x) {
        for (int c = 0; c < 3; ++c) pixels[(size_t(y) * side + x) * 3 + c] = uint8_t(colour >> 8 * c);
      }
    }
  }
  png_image image{.version = PNG_IMAGE_VERSION};
  image.width = image.height = png_uint_32(side);
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::vector<std::byte> file(bytes);
  if (!png_image_write_to_memory(&image, file.data(), &bytes, 0, pixels.data(), 0, nullptr))
    fail("a picture for the load cannot be made: {}", image.message);
  return "data:image/png;base64," + server::encode_base64(std::span(file).first(bytes));
}

}  // namespace troika::apps::load
