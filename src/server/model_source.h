// Where models come from that are not loaded yet, and how they are brought and removed: what the server asks of whoever
// started it. The server itself knows neither files nor options. Any thread may call; calls may take long.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/file_facts.h"

namespace troika::server {

// A model that can be loaded.
struct OfferedModel {
  std::string id;                    // what clients call it
  std::vector<std::string> aliases;  // also accepted in requests
  uint64_t bytes = 0;                // of its files
  int64_t created = 0;               // seconds since 1970
  std::string digest;                // of its file, hexadecimal; "" when unknown
  std::string quantisation;          // "Q4_K_M"; "" when unknown
  bool pinned = false;               // stays loaded once it is
  int replicas = 1;                  // that are loaded of it
};

// How far a model has come that is being brought.
struct PullProgress {
  std::string status;  // "pulling", "verifying", …
  std::string digest;  // of the file that is on its way; "" between files
  uint64_t total = 0, completed = 0;  // bytes of that file
};

class ModelSource {
 public:
  virtual ~ModelSource() = default;

  virtual std::vector<OfferedModel> offers() = 0;

  // `replica` counts from 0. Throws Error that says what is wrong.
  virtual std::unique_ptr<engine::Engine> load(const std::string& id, int replica,
                                               const engine::LoadProgress& progress) = 0;

  // What the model's files say, without loading it. Throws Error.
  virtual engine::FileFacts facts(const std::string& id) = 0;

  // Bringing, naming and removing models by the names of the store. Throw Error.
  virtual void pull(const std::string& name, const std::function<void(const PullProgress&)>& progress,
                    const std::stop_token& stop) = 0;
  virtual void copy(const std::string& from, const std::string& to) = 0;
  virtual void remove(const std::string& name) = 0;
};

}  // namespace troika::server
