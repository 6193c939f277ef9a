// Responses that may be gone on with, looked at or deleted: in memory, within a bound. The oldest make room. Any thread
// may call it.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "server/json_input.h"

namespace troika::server {

// Each holds its whole conversation, so that one lives on when those before it are gone.
struct StoredResponse {
  Json response;  // as it was answered
  Json input;     // the items before the answer, those of earlier responses first
};

struct ResponseLimits {
  size_t responses = 1000;
  size_t bytes = 64u << 20;  // of all, as JSON text
};

class ResponseStore {
 public:
  explicit ResponseStore(ResponseLimits limits = {}) : limits_(limits) {}

  // One that alone is larger than the bound is not kept.
  void put(std::string id, StoredResponse stored);
  std::shared_ptr<const StoredResponse> find(std::string_view id) const;  // null: unknown
  bool erase(std::string_view id);

 private:
  struct Entry {
    std::string id;
    std::shared_ptr<const StoredResponse> stored;
    size_t bytes = 0;
  };
  void drop(std::list<Entry>::const_iterator entry);

  const ResponseLimits limits_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // oldest first
  size_t bytes_ = 0;
};

}  // namespace troika::server
