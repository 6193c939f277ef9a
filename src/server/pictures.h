// Image files of clients as pictures, within limits for one picture, one request, and all requests together. Any
// thread may call it.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/image_prompt.h"
#include "server/image_options.h"

namespace troika::server {

// A picture that a message shows: the bytes of an image file, or where to fetch them.
struct ImageSource {
  std::string path;  // of the field, for complaints: "messages[0].content[1].image_url.url"
  std::vector<std::byte> file;
  std::string url;  // http or https; empty: `file` holds it
};

class Pictures {
 public:
  explicit Pictures(ImageOptions options);

  const ImageOptions& options() const { return options_; }

  // What the URL at `path` names; nothing is fetched yet. Throws ApiError for a URL that is not accepted here.
  ImageSource source(const std::string& url, const std::string& path) const;

  // Fetches what is missing and decodes all, in order; files are dropped as they are decoded. Blocks while it
  // fetches; gives up soon after a stop is requested. Throws ApiError.
  std::vector<engine::SharedPicture> load(std::vector<ImageSource>& sources, const std::stop_token& stop) const;

 private:
  engine::SharedPicture decode(const ImageSource& source, int64_t pixels) const;

  ImageOptions options_;
  std::shared_ptr<std::atomic<size_t>> used_ = std::make_shared<std::atomic<size_t>>(0);  // bytes of living pictures
};

}  // namespace troika::server
