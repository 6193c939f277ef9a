// What handlers work with: the models by the names that clients use, the way to show them pictures, the responses that
// are kept, what was asked of the server so far, and the machine's sensors.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/sensors.h"
#include "server/model_pool.h"
#include "server/pictures.h"
#include "server/response_store.h"
#include "server/server.h"
#include "server/traffic.h"

namespace troika::server {

struct Asked;

// Thrown where a handler needs a model that is not loaded yet; no error. The request is answered again once it is, which
// HttpRequest::pending tells.
struct NotLoaded {};

class Models {
 public:
  Models(std::vector<ServedModel> models, const ServerOptions& options);

  // The model that a request's field `model` names, by id or alias, with ":latest" behind it or not; the first one where
  // there is no such field. It stays loaded while the request lives. Throws NotLoaded, and ApiError: 404 with a list of
  // what is served, 403 when its key may not use it, 503 when it cannot be loaded or too many requests wait for it. `keep`:
  // see ModelPool.
  const ServedModel& find(const Asked& asked, std::optional<ModelPool::Seconds> keep = std::nullopt) const;

  // The same for what the engine has no part in, however many wait for it.
  const ServedModel& open(const Asked& asked, std::optional<ModelPool::Seconds> keep = std::nullopt) const;

  // What the caller may know of: as ModelPool has it, but other models are as if they were not there. The first one is
  // the first that the caller may use. Throws ApiError (404, 403).
  ModelView look(const Caller& caller, const std::optional<std::string>& name) const;
  std::vector<ModelView> all(const Caller& caller) const;
  std::vector<ModelView> loaded(const Caller& caller) const;

  ModelPool& pool() const { return *pool_; }  // for admins
  ModelSource* source() const { return source_; }

  const Pictures& pictures() const { return pictures_; }

  // What clients may go on with; guards itself.
  ResponseStore& responses() const { return *responses_; }
  const std::string& version() const { return version_; }
  const Traffic& traffic() const { return traffic_; }
  Traffic& traffic() { return traffic_; }

  // Of the I/O thread, as the traffic.
  platform::Sensors& sensors() const { return *sensors_; }

 private:
  std::unique_ptr<ResponseStore> responses_ = std::make_unique<ResponseStore>();
  const int queue_;
  ModelSource* source_;
  std::unique_ptr<ModelPool> pool_;
  Pictures pictures_;
  std::string version_;
  Traffic traffic_;
  std::unique_ptr<platform::Sensors> sensors_;
};

// Whether the model's template knows reasoning.
bool can_reason(const engine::Engine& engine);

}  // namespace troika::server
