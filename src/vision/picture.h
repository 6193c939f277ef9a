// A picture in memory: 8-bit RGB, nothing else. Decoders make it, the processors read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace troika::vision {

struct Picture {
  int width = 0, height = 0;
  std::vector<uint8_t> rgb;  // [height, width, 3]

  Picture() = default;
  Picture(int width, int height)  // black
      : width(width),
        height(height),
        rgb(size_t{3} * static_cast<size_t>(width) * static_cast<size_t>(height)) {}

  uint8_t* row(int y) { return rgb.data() + size_t{3} * static_cast<size_t>(width) * static_cast<size_t>(y); }
  const uint8_t* row(int y) const {
    return rgb.data() + size_t{3} * static_cast<size_t>(width) * static_cast<size_t>(y);
  }
  bool operator==(const Picture&) const = default;
};

}  // namespace troika::vision
