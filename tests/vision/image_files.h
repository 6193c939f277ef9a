// The golden image files and how they come off the disk.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "vision/generated.h"
#include "vision/picture.h"

namespace troika::vision {

inline std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

// All of goldens/decode but the .ppm files, in order.
inline std::vector<std::filesystem::path> image_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(golden_path("decode"))) {
    if (entry.path().extension() != ".ppm") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

// A file of "P6", width, height, 255 and the pixels.
inline Picture read_ppm(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string magic;
  int width = 0, height = 0, most = 0;
  file >> magic >> width >> height >> most;
  file.get();
  Picture picture(width, height);
  file.read(reinterpret_cast<char*>(picture.rgb.data()), static_cast<std::streamsize>(picture.rgb.size()));
  if (magic != "P6" || !file) picture = {};
  return picture;
}

}  // namespace troika::vision
