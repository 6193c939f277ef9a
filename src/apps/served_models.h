// What `troika serve` can load: the models it was started with, and those of the store.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/model_options.h"
#include "apps/replica_option.h"
#include "server/model_source.h"
#include "store/store.h"

namespace troika::apps {

class ServedModels : public server::ModelSource {
 public:
  // Models are loaded with `options`. `names` are offered first and stay; `with_store`: all of the store besides. Throws
  // Error where a name means nothing, or two models would be called the same.
  ServedModels(ModelOptions options, const std::vector<std::string>& names, bool with_store, ReplicaCounts replicas);

  std::vector<std::string> first_ids() const;  // of `names`

  std::vector<server::OfferedModel> offers() override;
  std::unique_ptr<engine::Engine> load(const std::string& id, int replica, const engine::LoadProgress& progress) override;
  engine::FileFacts facts(const std::string& id) override;
  void pull(const std::string& name, const std::function<void(const server::PullProgress&)>& progress,
            const std::stop_token& stop) override;
  void copy(const std::string& from, const std::string& to) override;
  void remove(const std::string& name) override;

 private:
  const store::Store& store() const;  // throws Error when there is none
  std::filesystem::path path_in_store(const std::string& id) const;  // not of what goes by that name elsewhere
  ModelOptions options_of(const std::string& id) const;

  const ModelOptions options_;
  const ReplicaCounts replicas_;
  std::vector<server::OfferedModel> first_;
  std::vector<std::filesystem::path> paths_;  // of these
  std::optional<store::Store> store_;  // none: without, or this user has no place for one
};

}  // namespace troika::apps
