#include "server/picture_reader.h"

#include "base/log.h"
#include "server/api_error.h"

namespace troika::server {

void refuse_part(const std::string& path, const std::string& why) {
  throw ApiError(400, "invalid_request_error", fmt::format("{}: {}", path, why), path, "unsupported_parameter");
}

void PictureReader::expect_one_more(const std::string& path) const {
  if (!model_.engine->eyes()) {
    // The reason names files, which are no business of a client's.
    log::info("{} was shown a picture: {}", model_.id, model_.engine->model().why_blind);
    refuse_part(path, fmt::format("the model '{}' cannot see pictures.", model_.id));
  }
  if (images_.size() >= size_t(pictures_.options().per_request))
    refuse(path, "{}: a request may show {} pictures.", path, pictures_.options().per_request);
}

void PictureReader::add_url(const std::string& url, const std::string& path) {
  images_.push_back(pictures_.source(url, path));
}

void PictureReader::add_base64(const std::string& data, const std::string& media_type, const std::string& path) {
  images_.push_back(pictures_.source(fmt::format("data:{};base64,{}", media_type, data), path));
}

}  // namespace troika::server
