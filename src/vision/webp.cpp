// WebP by libwebp; its demuxer finds the first frame of an animation and the metadata. A frame smaller than
// the canvas lies on black.
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "vision/decoders.h"

namespace troika::vision {
namespace {

struct Closer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

Bytes bytes_of(const WebPData& data) { return std::as_bytes(std::span(data.bytes, data.size)); }

std::optional<int> chunk_orientation(const WebPDemuxer* demuxer, const char* name,
                                     std::optional<int> (*read)(Bytes)) {
  WebPChunkIterator chunk;
  if (WebPDemuxGetChunk(demuxer, name, 1, &chunk) == 0) return std::nullopt;
  const std::optional<int> orientation = read(bytes_of(chunk.chunk));
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

int orientation_of(const WebPDemuxer* demuxer) {
  if (const auto exif = chunk_orientation(demuxer, "EXIF", exif_orientation)) return *exif;
  return chunk_orientation(demuxer, "XMP ", xmp_orientation).value_or(kUpright);
}

// Decodes the frame to its place in the picture; false if its data are bad.
bool place(const WebPIterator& frame, Picture& picture) {
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) return false;
  if (WebPGetFeatures(frame.fragment.bytes, frame.fragment.size, &config.input) != VP8_STATUS_OK)
    return false;
  const int width = config.input.width, height = config.input.height;
  if (width != frame.width || height != frame.height) return false;
  if (frame.x_offset < 0 || frame.x_offset > picture.width - width) return false;
  if (frame.y_offset < 0 || frame.y_offset > picture.height - height) return false;

  uint8_t* first = picture.row(frame.y_offset) + size_t{3} * static_cast<size_t>(frame.x_offset);
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = first;
  config.output.u.RGBA.stride = 3 * picture.width;
  config.output.u.RGBA.size = static_cast<size_t>(picture.rgb.data() + picture.rgb.size() - first);
  return WebPDecode(frame.fragment.bytes, frame.fragment.size, &config) == VP8_STATUS_OK;
}

}  // namespace

Decoded decode_webp(Bytes file, const DecodeLimits& limits) {
  const WebPData data{reinterpret_cast<const uint8_t*>(file.data()), file.size()};
  WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
  const std::unique_ptr<WebPDemuxer, Closer> demuxer(WebPDemuxPartial(&data, &state));
  if (demuxer == nullptr || state == WEBP_DEMUX_PARSE_ERROR) fail("the WebP image is damaged");
  if (state != WEBP_DEMUX_DONE) fail("the WebP image is cut short");
  const int64_t width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH);
  const int64_t height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  check_size("WebP", width, height, limits);

  Decoded decoded{.picture = Picture(static_cast<int>(width), static_cast<int>(height)),
                  .orientation = orientation_of(demuxer.get())};
  WebPIterator frame{};
  if (WebPDemuxGetFrame(demuxer.get(), 1, &frame) == 0) fail("the WebP image has no frame");
  const bool placed = place(frame, decoded.picture);
  WebPDemuxReleaseIterator(&frame);
  if (!placed) fail("the WebP image is damaged: its first frame cannot be decoded");
  return decoded;
}

}  // namespace troika::vision
