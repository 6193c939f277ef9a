// What the handlers answer from: the models by the names that clients use, the way to show them pictures, and what
// was asked of the server so far.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/pictures.h"
#include "server/server.h"
#include "server/traffic.h"

namespace troika::server {

class Models {
 public:
  Models(std::vector<ServedModel> models, ImageOptions images, std::string version);

  const std::vector<ServedModel>& all() const { return models_; }

  // By id or alias; the first model when no name is given. Throws ApiError (404) that lists what is served.
  const ServedModel& find(const std::optional<std::string>& name) const;

  const Pictures& pictures() const { return pictures_; }

  const std::string& version() const { return version_; }
  const Traffic& traffic() const { return traffic_; }
  Traffic& traffic() { return traffic_; }

 private:
  std::vector<ServedModel> models_;
  Pictures pictures_;
  std::string version_;
  Traffic traffic_;
};

}  // namespace troika::server
