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
// ModelSearch::pending tells.
struct NotLoaded {
  bool wants_stream = false;  // the request asks for a stream
};

class Models {
 public:
  Models(std::vector<ServedModel> models, const ServerOptions& options);

  // The model that a request's field `model` names, by id or alias, with ":latest" behind it or not; the first one where
  // there is no such field. An alias is answered by the first of its models that can be loaded, for which not too many
  // requests wait and whose engine works; ServedModel::id is then the alias, as clients expect to read it in the answer.
  // It stays loaded while the request lives. Throws NotLoaded, and ApiError: 404 with a list of what is served, 403 when
  // its key may not use it, 503 when no model is to be had. `keep`: see ModelPool.
  const ServedModel& find(const Asked& asked, std::optional<ModelPool::Seconds> keep = std::nullopt) const;

  // The same for what the engine has no part in, however many wait for it.
  const ServedModel& open(const Asked& asked, std::optional<ModelPool::Seconds> keep = std::nullopt) const;

  // What the caller may know of: as ModelPool has it, but other models are as if they were not there. The first one is
  // the first that the caller may use. Throws ApiError (404, 403).
  ModelView look(const Caller& caller, const std::optional<std::string>& name) const;
  std::vector<ModelView> all(const Caller& caller) const;
  std::vector<ModelView> loaded(const Caller& caller) const;
  std::vector<ModelView> being_loaded(const Caller& caller) const;

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

  const power::Governor* power() const { return power_.get(); }  // null: there is none

 private:
  enum class Part : uint8_t { engine, text };  // of the model, which the request needs
  const ServedModel& find_for(Part part, const Asked& asked, std::optional<ModelPool::Seconds> keep) const;
  std::shared_ptr<const Lease> take(Part part, const Asked& asked, const std::string& model, const ModelPool::Wish& wish,
                                    bool is_only) const;

  std::unique_ptr<ResponseStore> responses_ = std::make_unique<ResponseStore>();
  const int queue_;
  ModelSource* source_;
  std::unique_ptr<ModelPool> pool_;
  Pictures pictures_;
  std::string version_;
  Traffic traffic_;
  std::unique_ptr<platform::Sensors> sensors_;
  std::shared_ptr<const power::Governor> power_;
};

// Whether the model's template knows reasoning.
bool can_reason(const engine::Engine& engine);
bool can_reason(const text::TokenizerData& tokenizer);

}  // namespace troika::server
