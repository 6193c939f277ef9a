// Pictures out of a formula (noise, hard edges and gradients in turn) and checksums of what is made of them;
// the same two as in tools/reference/make_vision_goldens.py, so that goldens need to hold no pixels.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "vision/picture.h"

namespace troika::vision {

inline Picture generated(int width, int height, uint32_t seed = 0) {
  Picture picture(width, height);
  for (uint32_t y = 0; y < static_cast<uint32_t>(height); ++y) {
    uint8_t* to = picture.row(static_cast<int>(y));
    for (uint32_t x = 0; x < static_cast<uint32_t>(width); ++x) {
      for (uint32_t c = 0; c < 3; ++c, ++to) {
        uint32_t n = x * 0x9E3779B1u + y * 0x85EBCA77u + c * 0xC2B2AE3Du + seed * 0x27D4EB2Fu;
        n ^= n >> 15;
        n *= 0x2C1B3C6Du;
        n ^= n >> 12;
        const uint32_t kind = (x / 7 + y / 5) % 3;
        const uint32_t gradient = x * 3 + y * 2 + c * 40;
        *to = static_cast<uint8_t>(kind == 0 ? n : kind == 1 ? (n >> 31) * 255 : gradient);
      }
    }
  }
  return picture;
}

// CRC-32, as PNG has it; in hexadecimal.
inline std::string checksum(std::span<const std::byte> bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> made{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value % 2 != 0 ? 0xEDB88320u : 0);
      made[i] = value;
    }
    return made;
  }();
  uint32_t crc = ~0u;
  for (const std::byte byte : bytes) crc = crc >> 8 ^ table[(crc ^ static_cast<uint32_t>(byte)) & 255];
  std::ostringstream out;
  out << std::hex;
  out.width(8);
  out.fill('0');
  out << ~crc;
  return out.str();
}

inline std::string checksum(const Picture& picture) {
  return checksum(std::as_bytes(std::span(picture.rgb)));
}

inline std::string golden_path(const std::string& name) {
  return TROIKA_SOURCE_DIR "/tests/vision/goldens/" + name;
}

// The lines of a table of goldens, each ready to be read word by word.
inline std::vector<std::istringstream> golden_rows(const std::string& name) {
  std::ifstream file(golden_path(name));
  std::vector<std::istringstream> rows;
  for (std::string line; std::getline(file, line);) rows.emplace_back(line);
  return rows;
}

}  // namespace troika::vision
