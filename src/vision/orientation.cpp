// EXIF is a TIFF file in small: byte order, 42, the offset of a directory; the directory is a count and
// entries of 12 bytes: tag u16, type u16, count u32, value (or its offset) in 4 bytes.
#include "vision/orientation.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace troika::vision {
namespace {

using namespace std::literals;

constexpr uint32_t kOrientationTag = 0x112, kShort = 3, kLong = 4;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class Tiff {
 public:
  explicit Tiff(std::string_view bytes) : bytes_(bytes), little_(bytes.starts_with("II*\0"sv)) {}

  bool valid() const { return bytes_.size() >= 8 && (little_ || bytes_.starts_with("MM\0*"sv)); }
  bool holds(size_t offset, size_t size) const {
    return offset <= bytes_.size() && size <= bytes_.size() - offset;
  }

  uint32_t number(size_t offset, size_t size) const {
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      value = value << 8 | static_cast<uint8_t>(bytes_[offset + (little_ ? size - 1 - i : i)]);
    }
    return value;
  }

 private:
  std::string_view bytes_;
  bool little_;
};

// Where the pixel (x, y) of the stored picture goes: mirrored, upside down, and rows become columns, in this
// order.
struct Turn {
  bool mirror, flip, transpose;
};

constexpr std::array<Turn, 9> kTurns{{
    {},                                                   // 0: no orientation
    {},                                                   // 1
    {.mirror = true, .flip = false, .transpose = false},  // 2
    {.mirror = true, .flip = true, .transpose = false},   // 3: by 180 degrees
    {.mirror = false, .flip = true, .transpose = false},  // 4
    {.mirror = false, .flip = false, .transpose = true},  // 5
    {.mirror = false, .flip = true, .transpose = true},   // 6: to the right by 90 degrees
    {.mirror = true, .flip = true, .transpose = true},    // 7
    {.mirror = true, .flip = false, .transpose = true},   // 8: to the left by 90 degrees
}};

}  // namespace

std::optional<int> exif_orientation(std::span<const std::byte> exif) {
  std::string_view bytes = text_of(exif);
  while (bytes.starts_with("Exif\0\0"sv)) bytes.remove_prefix(6);
  const Tiff tiff(bytes);
  if (!tiff.valid()) return std::nullopt;
  const size_t directory = tiff.number(4, 4);
  if (!tiff.holds(directory, 2)) return std::nullopt;
  const size_t entries = tiff.number(directory, 2);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + 12 * i;
    if (!tiff.holds(entry, 12)) return std::nullopt;
    if (tiff.number(entry, 2) != kOrientationTag) continue;
    const uint32_t type = tiff.number(entry + 2, 2), count = tiff.number(entry + 4, 4);
    if (count != 1 || (type != kShort && type != kLong)) return std::nullopt;
    return static_cast<int>(tiff.number(entry + 8, type == kShort ? 2 : 4));
  }
  return std::nullopt;
}

std::optional<int> xmp_orientation(std::span<const std::byte> xmp) {
  constexpr std::string_view kName = "tiff:Orientation";
  const std::string_view text = text_of(xmp);
  for (size_t at = text.find(kName); at != text.npos; at = text.find(kName, at + 1)) {
    std::string_view rest = text.substr(at + kName.size());
    if (rest.starts_with("=\""))
      rest.remove_prefix(2);
    else if (rest.starts_with(">"))
      rest.remove_prefix(1);
    else
      continue;
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') return rest[0] - '0';
  }
  return std::nullopt;
}

Picture upright(Picture picture, int orientation) {
  if (orientation < 2 || orientation >= static_cast<int>(kTurns.size())) return picture;
  const Turn turn = kTurns[static_cast<size_t>(orientation)];
  const int width = picture.width, height = picture.height;
  Picture out(turn.transpose ? height : width, turn.transpose ? width : height);
  for (int y = 0; y < height; ++y) {
    const uint8_t* from = picture.row(y);
    for (int x = 0; x < width; ++x, from += 3) {
      int column = turn.mirror ? width - 1 - x : x, row = turn.flip ? height - 1 - y : y;
      if (turn.transpose) std::swap(column, row);
      uint8_t* to = out.row(row) + size_t{3} * static_cast<size_t>(column);
      to[0] = from[0], to[1] = from[1], to[2] = from[2];
    }
  }
  return out;
}

}  // namespace troika::vision
