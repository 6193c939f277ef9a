#include "server/models.h"

#include <algorithm>

#include "base/error.h"
#include "server/api_error.h"

namespace troika::server {

Models::Models(std::vector<ServedModel> models, ImageOptions images)
    : models_(std::move(models)), pictures_(std::move(images)) {
  check(!models_.empty(), "a server needs a model");
}

const ServedModel& Models::find(const std::optional<std::string>& name) const {
  if (!name) return models_.front();
  std::vector<std::string_view> ids;
  for (const ServedModel& model : models_) {
    if (model.id == *name || std::ranges::find(model.aliases, *name) != model.aliases.end()) return model;
    ids.push_back(model.id);
  }
  std::string shown = name->substr(0, 80);
  std::ranges::replace_if(shown, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  throw ApiError(404, "not_found_error",
                 fmt::format("The model '{}' is not served here. Served: {}.", shown,
                             fmt::join(ids, ", ")),
                 "model", "model_not_found");
}

}  // namespace troika::server
