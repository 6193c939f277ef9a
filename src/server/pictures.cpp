#include "server/pictures.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "server/api_error.h"
#include "server/base64.h"
#include "server/image_fetch.h"
#include "vision/decode.h"

namespace troika::server {
namespace {

constexpr size_t kLongestDataHead = 256;  // "image/svg+xml;charset=utf-8;base64" and the like

[[noreturn]] void refuse_image(const std::string& path, const std::string& why) {
  throw ApiError(400, "invalid_request_error", fmt::format("{}: {}", path, why), path, "invalid_image");
}

bool has_scheme(std::string_view url, std::string_view scheme) {
  return url.size() >= scheme.size() && std::equal(scheme.begin(), scheme.end(), url.begin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b);
         });
}

// data:image/png;base64,… (RFC 2397). The named type must be an image's, but which one the bytes say.
std::vector<std::byte> read_data_url(std::string_view url, const std::string& path, size_t most_bytes) {
  url.remove_prefix(std::string_view("data:").size());
  const size_t comma = url.substr(0, kLongestDataHead).find(',');
  const std::string_view head = url.substr(0, comma);
  if (comma == url.npos || !head.ends_with(";base64"))
    refuse_image(path, "a data: URL must begin like data:image/png;base64, and go on with the file in base64.");
  if (!has_scheme(head, "image/"))
    refuse_image(path, "the data: URL must name an image type, such as image/png.");
  const std::string_view text = url.substr(comma + 1);
  if (text.empty()) refuse_image(path, "the data: URL is empty.");
  if (text.size() / 4 > most_bytes / 3 + 1)
    throw ApiError(413, "invalid_request_error",
                   fmt::format("{}: the image file has more than {} bytes.", path, most_bytes), path,
                   "image_too_large");
  auto bytes = decode_base64(text);
  if (!bytes)
    refuse_image(path, "the data: URL is not valid base64 (letters, digits, + and /, padded with =, no line breaks).");
  return std::move(*bytes);
}

}  // namespace

Pictures::Pictures(ImageOptions options) : options_(std::move(options)) {
  for (std::string& host : options_.hosts)
    std::ranges::transform(host, host.begin(), [](unsigned char c) { return char(std::tolower(c)); });
}

ImageSource Pictures::source(const std::string& url, const std::string& path) const {
  if (has_scheme(url, "data:")) return {.path = path, .file = read_data_url(url, path, options_.file_bytes)};
  if (has_scheme(url, "file:")) refuse_image(path, "file: URLs are never read.");
  if (!has_scheme(url, "http://") && !has_scheme(url, "https://"))
    refuse_image(path, "a picture is given as a data: URL with base64, or by an http or https URL.");
  if (!options_.allow_urls)
    refuse_image(path,
                 "this server does not fetch pictures; send a data: URL with base64, or have the server started with "
                 "--allow-image-urls.");
  return {.path = path, .url = url};
}

std::vector<engine::SharedPicture> Pictures::load(std::vector<ImageSource>& sources,
                                                  const std::stop_token& stop) const {
  const FetchOptions fetch{.most_bytes = options_.file_bytes,
                           .deadline = std::chrono::steady_clock::now() + options_.fetch_timeout,
                           .hosts = options_.hosts,
                           .may_connect = options_.may_connect};
  std::vector<engine::SharedPicture> pictures;
  int64_t pixels = 0;
  for (ImageSource& source : sources) {
    if (stop.stop_requested()) throw ApiError(503, "server_error", "The request was given up.");
    if (!source.url.empty()) source.file = fetch_image(source.url, source.path, fetch, stop);
    pictures.push_back(decode(source, options_.request_pixels - pixels));
    pixels += int64_t{pictures.back()->width} * pictures.back()->height;
    source.file = {};
  }
  return pictures;
}

// `pixels`: what is left of the request's.
engine::SharedPicture Pictures::decode(const ImageSource& source, int64_t pixels) const {
  std::unique_ptr<vision::Picture> picture;
  try {
    picture = std::make_unique<vision::Picture>(vision::decode(
        source.file, {.max_bytes = options_.file_bytes, .max_pixels = std::min(options_.pixels, pixels)}));
  } catch (const InternalError&) {
    throw;
  } catch (const Error& error) {
    refuse_image(source.path, fmt::format("{}.", error.what()));
  }
  const size_t bytes = picture->rgb.size();
  const auto release = [used = used_, bytes](const vision::Picture* p) {
    delete p;
    *used -= bytes;
  };
  *used_ += bytes;
  engine::SharedPicture shared(picture.release(), release);
  if (*used_ > options_.memory_bytes)
    throw ApiError(503, "server_error", "The server holds too many pictures just now; try again.", "", "overloaded");
  return shared;
}

}  // namespace troika::server
