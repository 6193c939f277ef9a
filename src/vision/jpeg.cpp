// JPEG by libjpeg-turbo. The library reports an error by calling us and wants us not to come back, so every
// call into it goes through `attempt`, which sets the place to jump to: between that place and the library
// lie only functions without C++ objects to destroy. All objects live in decode_jpeg and in JpegReader.
#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include <jpeglib.h>

#include "base/error.h"
#include "vision/decoders.h"

namespace troika::vision {
namespace {

using namespace std::literals;

// A small file can ask for a pass over all pixels in every few bytes; encoders write about ten scans.
constexpr int kMaxScans = 100;

struct JpegReader {
  explicit JpegReader(Bytes file);
  ~JpegReader() { jpeg_destroy_decompress(&library); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  // Runs one step; throws Error if the library gave up in it. A step must not own anything.
  void attempt(void (*step)(JpegReader&)) {
    if (!returns(step)) fail("the JPEG image is {}", problem.data());
  }

  jpeg_decompress_struct library{};
  jpeg_error_mgr errors{};
  jpeg_source_mgr source{};
  jpeg_progress_mgr progress{};
  std::jmp_buf escape{};
  std::array<char, JMSG_LENGTH_MAX + 16> problem{};
  Picture* picture = nullptr;  // for the steps
  uint8_t* cmyk_row = nullptr;

 private:
  bool returns(void (*step)(JpegReader&)) {
    if (setjmp(escape) != 0) return false;
    step(*this);
    return true;
  }
};

JpegReader& reader_of(j_common_ptr library) { return *static_cast<JpegReader*>(library->client_data); }

[[noreturn]] void give_up(JpegReader& reader, const char* problem) {
  std::snprintf(reader.problem.data(), reader.problem.size(), "%s", problem);
  std::longjmp(reader.escape, 1);
}

[[noreturn]] void on_error(j_common_ptr library) {
  JpegReader& reader = reader_of(library);
  std::array<char, JMSG_LENGTH_MAX> message{};
  library->err->format_message(library, message.data());
  std::snprintf(reader.problem.data(), reader.problem.size(), "damaged: %s", message.data());
  std::longjmp(reader.escape, 1);
}

// Oddities that the library can live with are kept silent, as the reference does.
void on_message(j_common_ptr, int) {}
void on_output(j_common_ptr) {}

void on_progress(j_common_ptr library) {
  const auto* decompress = reinterpret_cast<j_decompress_ptr>(library);
  if (decompress->input_scan_number > kMaxScans) {
    give_up(reader_of(library), "refused: it has more than 100 scans");
  }
}

// The whole file is in memory from the start: to want more is to be cut short.
boolean on_empty(j_decompress_ptr library) {
  give_up(reader_of(reinterpret_cast<j_common_ptr>(library)), "cut short");
}

void skip(j_decompress_ptr library, long bytes) {
  if (bytes <= 0) return;
  if (static_cast<size_t>(bytes) > library->src->bytes_in_buffer) on_empty(library);
  library->src->next_input_byte += bytes;
  library->src->bytes_in_buffer -= static_cast<size_t>(bytes);
}

JpegReader::JpegReader(Bytes file) {
  library.err = jpeg_std_error(&errors);
  errors.error_exit = on_error;
  errors.emit_message = on_message;
  errors.output_message = on_output;
  library.client_data = this;
  attempt([](JpegReader& self) { jpeg_create_decompress(&self.library); });

  source.next_input_byte = reinterpret_cast<const JOCTET*>(file.data());
  source.bytes_in_buffer = file.size();
  source.init_source = [](j_decompress_ptr) {};
  source.fill_input_buffer = on_empty;
  source.skip_input_data = skip;
  source.resync_to_restart = jpeg_resync_to_restart;
  source.term_source = [](j_decompress_ptr) {};
  library.src = &source;
  progress.progress_monitor = on_progress;
  library.progress = &progress;
}

// The metadata lies in APP1 segments, each with its own name at the front.
int orientation_of(const jpeg_decompress_struct& library) {
  constexpr std::string_view kExif = "Exif\0\0"sv, kXmp = "http://ns.adobe.com/xap/1.0/\0"sv;
  std::optional<int> exif, xmp;
  for (const jpeg_marker_struct* marker = library.marker_list; marker != nullptr; marker = marker->next) {
    const Bytes bytes = std::as_bytes(std::span(marker->data, marker->data_length));
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!exif && text.starts_with(kExif)) exif = exif_orientation(bytes);
    if (text.starts_with(kXmp)) xmp = xmp_orientation(bytes.subspan(kXmp.size()));
  }
  return exif ? *exif : xmp.value_or(kUpright);
}

// Huffman codes take at least one bit for each block of 8 x 8: what cannot hold them is not worth allocating
// for.
bool too_short(const jpeg_decompress_struct& library, Bytes file) {
  size_t blocks = 0;
  for (const jpeg_component_info& part :
       std::span(library.comp_info, static_cast<size_t>(library.num_components))) {
    blocks += size_t{part.width_in_blocks} * part.height_in_blocks;
  }
  return library.arith_code == 0 && blocks / 8 > file.size();
}

// x·y/255, rounded.
int times(int x, int y) {
  const int product = x * y + 128;
  return ((product >> 8) + product) >> 8;
}

// Adobe's CMYK is stored inverted: 255 is no ink. In: [width, 4]; out: [width, 3].
void rgb_from_cmyk(const uint8_t* cmyk, uint8_t* rgb, int width) {
  for (int x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    const int light = cmyk[3];
    for (int c = 0; c < 3; ++c) rgb[c] = static_cast<uint8_t>(light - times(255 - cmyk[c], light));
  }
}

void read_rows(JpegReader& self) {
  jpeg_start_decompress(&self.library);
  while (self.library.output_scanline < self.library.output_height) {
    uint8_t* rgb = self.picture->row(static_cast<int>(self.library.output_scanline));
    JSAMPROW row = self.cmyk_row != nullptr ? self.cmyk_row : rgb;
    jpeg_read_scanlines(&self.library, &row, 1);
    if (self.cmyk_row != nullptr) rgb_from_cmyk(self.cmyk_row, rgb, self.picture->width);
  }
  jpeg_finish_decompress(&self.library);
}

}  // namespace

Decoded decode_jpeg(Bytes file, const DecodeLimits& limits) {
  JpegReader reader(file);
  jpeg_decompress_struct& library = reader.library;
  reader.attempt([](JpegReader& self) {
    jpeg_save_markers(&self.library, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&self.library, TRUE);
  });
  check_size("JPEG", library.image_width, library.image_height, limits);
  if (library.data_precision != 8)
    fail("the JPEG image has {} bits a sample; 8 are accepted", library.data_precision);
  const int components = library.num_components;
  if (components != 1 && components != 3 && components != 4) {
    fail("the JPEG image has {} components; 1 (grey), 3 (colour) and 4 (CMYK) are accepted", components);
  }
  if (too_short(library, file)) fail("the JPEG image is cut short");
  library.out_color_space = components == 4 ? JCS_CMYK : JCS_RGB;

  Decoded decoded{
      .picture = Picture(static_cast<int>(library.image_width), static_cast<int>(library.image_height)),
      .orientation = orientation_of(library)};
  std::vector<uint8_t> cmyk_row(components == 4 ? size_t{4} * library.image_width : 0);
  reader.picture = &decoded.picture;
  reader.cmyk_row = cmyk_row.empty() ? nullptr : cmyk_row.data();
  reader.attempt(read_rows);
  return decoded;
}

}  // namespace troika::vision
