// Tells the kinds of files apart by their first bytes and hands them to their decoder. Those that people are
// likely to bring along but that are not accepted are known by name, for the sake of the error.
#include "vision/decode.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "vision/decoders.h"

namespace troika::vision {
namespace {

using namespace std::literals;

struct Kind {
  size_t offset;
  std::string_view bytes;
  std::string_view name;                                    // "a GIF image"
  Decoded (*decode)(Bytes, const DecodeLimits&) = nullptr;  // null: not accepted
};

// First match wins.
constexpr std::array kKinds{
    Kind{0, "\xFF\xD8\xFF"sv, "a JPEG image", decode_jpeg},
    Kind{0, "\x89PNG\r\n\x1A\n"sv, "a PNG image", decode_png},
    Kind{8, "WEBPVP8"sv, "a WebP image", decode_webp},
    Kind{0, "GIF8"sv, "a GIF image"},
    Kind{0, "BM"sv, "a BMP image"},
    Kind{0, "II*\0"sv, "a TIFF image"},
    Kind{0, "MM\0*"sv, "a TIFF image"},
    Kind{4, "ftypavi"sv, "an AVIF image"},
    Kind{4, "ftyphei"sv, "a HEIC image"},
    Kind{4, "ftyphev"sv, "a HEIC image"},
    Kind{4, "ftypmif1"sv, "a HEIF image"},
    Kind{4, "ftyp"sv, "an MP4 video"},
    Kind{0, "\x1A\x45\xDF\xA3"sv, "a WebM or Matroska video"},
    Kind{0, "\xFF\x0A"sv, "a JPEG XL image"},
    Kind{4, "JXL \r\n\x87\n"sv, "a JPEG XL image"},
    Kind{4, "jP  \r\n\x87\n"sv, "a JPEG 2000 image"},
    Kind{0, "\0\0\1\0"sv, "an icon file"},
    Kind{0, "8BPS"sv, "a Photoshop file"},
    Kind{0, "qoif"sv, "a QOI image"},
    Kind{0, "%PDF"sv, "a PDF document"},
    Kind{0, "<svg"sv, "an SVG drawing"},
    Kind{0, "<?xml"sv, "an XML document"},
    Kind{0, "<!DOCTYPE"sv, "an HTML page"},
    Kind{0, "<!doctype"sv, "an HTML page"},
    Kind{0, "<html"sv, "an HTML page"},
    Kind{0, "data:"sv, "a data: URL that was not decoded"},
    Kind{0, "PK\3\4"sv, "a ZIP archive"},
    Kind{0, "\x1F\x8B"sv, "a gzip archive"},
};

const Kind* kind_of(Bytes file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const auto found = std::ranges::find_if(kKinds, [&](const Kind& kind) {
    return text.size() >= kind.offset && text.substr(kind.offset).starts_with(kind.bytes);
  });
  return found == kKinds.end() ? nullptr : &*found;
}

}  // namespace

void check_size(std::string_view kind, int64_t width, int64_t height, const DecodeLimits& limits) {
  if (width < 1 || height < 1) fail("the {} image has no pixels ({} x {})", kind, width, height);
  if (width > limits.max_side || height > limits.max_side) {
    fail("the {} image is {} x {}; a side may have {} pixels: scale it down", kind, width, height,
         limits.max_side);
  }
  if (width * height > limits.max_pixels) {
    fail("the {} image is {} x {}, {} pixels; {} are accepted: scale it down", kind, width, height,
         width * height, limits.max_pixels);
  }
}

Picture decode(Bytes file, const DecodeLimits& limits) {
  if (file.empty()) fail("the image file is empty");
  if (file.size() > limits.max_bytes) {
    fail("the image file has {} bytes; {} are accepted: scale it down", file.size(), limits.max_bytes);
  }
  const Kind* kind = kind_of(file);
  if (kind == nullptr) {
    fail("the image file is of no known kind; JPEG, PNG and WebP are accepted");
  }
  if (kind->decode == nullptr) {
    fail("the image file is {}; JPEG, PNG and WebP are accepted: convert it to one of them", kind->name);
  }
  Decoded decoded = kind->decode(file, limits);
  return upright(std::move(decoded.picture), decoded.orientation);
}

}  // namespace troika::vision
