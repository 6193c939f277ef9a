// PNG by libpng, which reports an error by calling us and wants us not to come back; as in jpeg.cpp, every
// call goes through `attempt`, and nothing between it and the library has anything to destroy. The library is
// told to skip all chunks but those that make pixels: colour profiles and compressed texts are the ones that
// bombs hide in.
#include <png.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "vision/decoders.h"

namespace troika::vision {
namespace {

using namespace std::literals;

struct PngReader {
  explicit PngReader(Bytes file);
  ~PngReader() { png_destroy_read_struct(&library, &info, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  // Runs one step; throws Error if the library gave up in it. A step must not own anything.
  void attempt(void (*step)(PngReader&)) {
    if (!returns(step)) fail("the PNG image is {}", problem.data());
  }

  png_structp library = nullptr;
  png_infop info = nullptr;
  Bytes rest;  // of the file
  std::jmp_buf escape{};
  std::array<char, 256> problem{};
  png_bytepp rows = nullptr;  // for the steps

 private:
  bool returns(void (*step)(PngReader&)) {
    if (setjmp(escape) != 0) return false;
    step(*this);
    return true;
  }
};

[[noreturn]] void on_error(png_structp library, const char* message) {
  auto& reader = *static_cast<PngReader*>(png_get_error_ptr(library));
  std::snprintf(reader.problem.data(), reader.problem.size(), "damaged: %s", message);
  std::longjmp(reader.escape, 1);
}

void on_warning(png_structp, const char*) {}

void on_read(png_structp library, png_bytep to, size_t bytes) {
  auto& reader = *static_cast<PngReader*>(png_get_io_ptr(library));
  if (bytes > reader.rest.size()) {
    std::snprintf(reader.problem.data(), reader.problem.size(), "cut short");
    std::longjmp(reader.escape, 1);
  }
  std::memcpy(to, reader.rest.data(), bytes);
  reader.rest = reader.rest.subspan(bytes);
}

PngReader::PngReader(Bytes file) : rest(file) {
  library = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
  info = library == nullptr ? nullptr : png_create_info_struct(library);
  if (info == nullptr) {
    png_destroy_read_struct(&library, nullptr, nullptr);
    fail("the PNG decoder could not start: out of memory?");
  }
  png_set_read_fn(library, this, on_read);
}

void read_header(PngReader& self) {
  png_set_keep_unknown_chunks(self.library, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  // Our own limits come right after; the library's would say it less clearly.
  png_set_user_limits(self.library, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_read_info(self.library, self.info);
}

// Whatever the file holds becomes 8-bit RGB.
void ask_for_rgb(PngReader& self) {
  png_set_expand(self.library);  // palettes, 1 to 4 bits of grey, colours that mean transparency
  png_set_strip_16(self.library);
  png_set_gray_to_rgb(self.library);
  png_set_strip_alpha(self.library);
  png_set_interlace_handling(self.library);
  png_read_update_info(self.library, self.info);
}

void read_rows(PngReader& self) {
  png_read_image(self.library, self.rows);
  png_read_end(self.library, nullptr);
}

uint32_t big_endian(Bytes bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<uint32_t>(bytes[static_cast<size_t>(i)]);
  return value;
}

// A chunk is its length, a name of 4 letters, the data and a checksum. An iTXt holds keyword \0, two bytes
// for compression, language \0, translated keyword \0, text.
int orientation_of(Bytes file) {
  constexpr std::string_view kXmp = "XML:com.adobe.xmp\0\0\0"sv;  // the keyword of an uncompressed one
  std::optional<int> exif, xmp;
  for (Bytes rest = file.subspan(8); rest.size() >= 12;) {
    const size_t length = big_endian(rest);
    if (length > rest.size() - 12) break;
    const std::string_view name(reinterpret_cast<const char*>(rest.data()) + 4, 4);
    const Bytes data = rest.subspan(8, length);
    const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
    if (name == "eXIf") exif = exif_orientation(data);
    if (name == "iTXt" && text.starts_with(kXmp)) xmp = xmp_orientation(data.subspan(kXmp.size()));
    rest = rest.subspan(12 + length);
  }
  return exif ? *exif : xmp.value_or(kUpright);
}

}  // namespace

Decoded decode_png(Bytes file, const DecodeLimits& limits) {
  PngReader reader(file);
  reader.attempt(read_header);
  const int64_t width = png_get_image_width(reader.library, reader.info);
  const int64_t height = png_get_image_height(reader.library, reader.info);
  check_size("PNG", width, height, limits);
  // Deflate makes at most 1032 bytes of one: what cannot hold the rows is not worth allocating for.
  const auto row_bytes = static_cast<int64_t>(png_get_rowbytes(reader.library, reader.info));
  if (row_bytes * height / 1032 > static_cast<int64_t>(file.size())) fail("the PNG image is cut short");
  reader.attempt(ask_for_rgb);
  check(static_cast<int64_t>(png_get_rowbytes(reader.library, reader.info)) == 3 * width, "PNG rows as RGB");

  Decoded decoded{.picture = Picture(static_cast<int>(width), static_cast<int>(height)),
                  .orientation = orientation_of(file)};
  std::vector<png_bytep> rows;
  rows.reserve(static_cast<size_t>(height));
  for (int y = 0; y < decoded.picture.height; ++y) rows.push_back(decoded.picture.row(y));
  reader.rows = rows.data();
  reader.attempt(read_rows);
  return decoded;
}

}  // namespace troika::vision
