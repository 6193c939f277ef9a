// What handlers work with: the models this server offers, by the names clients use, the way to show them pictures, and
// the responses that are kept.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/pictures.h"
#include "server/response_store.h"
#include "server/server.h"

namespace troika::server {

class Models {
 public:
  Models(std::vector<ServedModel> models, ImageOptions images);

  const std::vector<ServedModel>& all() const { return models_; }

  // By id or alias, with ":latest" behind it or not; the first model when no name is given. Throws ApiError (404) that lists what is served.
  const ServedModel& find(const std::optional<std::string>& name) const;

  const Pictures& pictures() const { return pictures_; }

  // What clients may go on with; guards itself.
  ResponseStore& responses() const { return *responses_; }

 private:
  std::unique_ptr<ResponseStore> responses_ = std::make_unique<ResponseStore>();
  std::vector<ServedModel> models_;
  Pictures pictures_;
};

// Whether the model's template knows reasoning.
bool can_reason(const engine::Engine& engine);

}  // namespace troika::server
