// Image files: a picture within the limits, or a refusal.
#include "fuzz/input.h"
#include "vision/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troika;
  const vision::DecodeLimits limits{.max_bytes = 1 << 20, .max_pixels = 1 << 16, .max_side = 4096};
  fuzz::survives([&] {
    const vision::Picture picture = vision::decode(std::as_bytes(std::span(data, size)), limits);
    check(picture.width >= 1 && picture.height >= 1, "a picture has a size");
    check(int64_t{picture.width} * picture.height <= limits.max_pixels, "a picture within its limit");
    check(picture.rgb.size() == size_t{3} * size_t(picture.width) * size_t(picture.height), "three bytes a pixel");
  });
  return 0;
}
