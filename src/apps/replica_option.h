// What --replicas says: how many times a model is loaded.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace troika::apps {

struct ReplicaCounts {
  int started = 1;                   // of models that the server is started with
  std::map<std::string, int> named;  // by id

  int of_started(const std::string& id) const { return of(id, started); }
  int of_stored(const std::string& id) const { return of(id, 1); }

 private:
  int of(const std::string& id, int otherwise) const {
    const auto found = named.find(id);
    return found == named.end() ? otherwise : found->second;
  }
};

// Each text is a number, for all models of --model, or NAME=NUMBER with the id or a spelling of one of these or of a model
// of the store. Throws Error that quotes the text.
ReplicaCounts read_replicas(const std::vector<std::string>& texts, const std::vector<std::string>& started);

}  // namespace troika::apps
