// What handlers work with: the models by the names that clients use, the way to show them pictures, the responses that
// are kept, and what was asked of the server so far.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/pictures.h"
#include "server/response_store.h"
#include "server/server.h"
#include "server/traffic.h"

namespace troika::server {

class Models {
 public:
  Models(std::vector<ServedModel> models, ImageOptions images, std::string version);

  const std::vector<ServedModel>& all() const { return models_; }

  // By id or alias, with ":latest" behind it or not; the first model when no name is given. Throws ApiError (404) that
  // lists what is served.
  const ServedModel& find(const std::optional<std::string>& name) const;

  const Pictures& pictures() const { return pictures_; }

  // What clients may go on with; guards itself.
  ResponseStore& responses() const { return *responses_; }
  const std::string& version() const { return version_; }
  const Traffic& traffic() const { return traffic_; }
  Traffic& traffic() { return traffic_; }

 private:
  std::unique_ptr<ResponseStore> responses_ = std::make_unique<ResponseStore>();
  std::vector<ServedModel> models_;
  Pictures pictures_;
  std::string version_;
  Traffic traffic_;
};

// Whether the model's template knows reasoning.
bool can_reason(const engine::Engine& engine);

}  // namespace troika::server
