// The models this server offers, by the names clients use.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/server.h"

namespace troika::server {

class Models {
 public:
  explicit Models(std::vector<ServedModel> models);

  const std::vector<ServedModel>& all() const { return models_; }

  // By id or alias; the first model when no name is given. Throws ApiError (404) that lists what is served.
  const ServedModel& find(const std::optional<std::string>& name) const;

 private:
  std::vector<ServedModel> models_;
};

}  // namespace troika::server
