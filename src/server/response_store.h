// Responses that may be gone on with, looked at or deleted: in memory, within bounds, as text, since parsed
// trees take many times its room. Who keeps most makes room first, so nobody can drive out what others keep.
// Any thread may call it.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troika::server {

// Each holds its whole conversation, so that one lives on when those before it are gone.
struct StoredResponse {
  std::string owner;     // the caller's name: others do not find it
  std::string response;  // JSON, as it was answered
  std::string input;     // a JSON array: the items before the answer, those of earlier responses first
  std::vector<std::string> items;  // the ids of its own: of the answer, and of what was answered but not of earlier ones
};

struct ResponseLimits {
  size_t responses = 1000;
  size_t bytes = 64u << 20;  // of all; a small one counts as its equal share of them
  size_t each = 8u << 20;
};

class ResponseStore {
 public:
  explicit ResponseStore(ResponseLimits limits = {}) : limits_(limits) {}

  // One that alone is too large is not kept.
  void put(std::string id, StoredResponse stored);
  std::shared_ptr<const StoredResponse> find(std::string_view id, std::string_view owner) const;  // null: unknown
  // By item, of those asked for that are known: the last response that has it as its own. All are looked through once.
  std::map<std::string, std::shared_ptr<const StoredResponse>> find_items(const std::set<std::string>& ids,
                                                                          std::string_view owner) const;
  bool erase(std::string_view id, std::string_view owner);

 private:
  struct Entry {
    std::string id;
    std::shared_ptr<const StoredResponse> stored;
    size_t bytes = 0;
  };
  using Entries = std::list<Entry>;
  void drop(Entries::const_iterator entry, Entries& dropped);
  Entries::const_iterator entry_of(std::string_view id, std::string_view owner) const;
  Entries::const_iterator entry_to_drop(const Entry& coming) const;

  const ResponseLimits limits_;
  mutable std::mutex mutex_;
  Entries entries_;  // oldest first
  size_t bytes_ = 0;
};

// What to say of an id that is not found.
std::string unknown_response(std::string_view id);

}  // namespace troika::server
