// Collects the pictures that a request's messages show, whatever the form in which an API gives them.
#pragma once

#include <string>
#include <vector>

#include "server/models.h"

namespace troika::server {

class PictureReader {
 public:
  PictureReader(const ServedModel& model, const Pictures& pictures) : model_(model), pictures_(pictures) {}

  // Throws ApiError for the part or field at `path`: the model has no eyes, or there are too many pictures.
  void expect_one_more(const std::string& path) const;

  // An image as a URL, or in base64 without one. `path` is the field's. Throws ApiError.
  void add_url(const std::string& url, const std::string& path);
  void add_base64(const std::string& data, const std::string& media_type, const std::string& path);

  std::vector<ImageSource> take() { return std::move(images_); }

 private:
  const ServedModel& model_;
  const Pictures& pictures_;
  std::vector<ImageSource> images_;
};

// 400 for the part of a message at `path`.
[[noreturn]] void refuse_part(const std::string& path, const std::string& why);

}  // namespace troika::server
