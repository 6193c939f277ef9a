#include "server/response_store.h"

#include <algorithm>

#include "server/openai_work.h"

namespace troika::server {

void ResponseStore::drop(std::list<Entry>::const_iterator entry) {
  bytes_ -= entry->bytes;
  entries_.erase(entry);
}

void ResponseStore::put(std::string id, StoredResponse stored) {
  const size_t bytes = dump(stored.response).size() + dump(stored.input).size();
  if (bytes > limits_.bytes) return;
  auto shared = std::make_shared<const StoredResponse>(std::move(stored));
  const std::lock_guard lock(mutex_);
  while (!entries_.empty() && (entries_.size() >= limits_.responses || bytes_ + bytes > limits_.bytes))
    drop(entries_.begin());
  entries_.push_back({std::move(id), std::move(shared), bytes});
  bytes_ += bytes;
}

std::shared_ptr<const StoredResponse> ResponseStore::find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto entry = std::ranges::find(entries_, id, &Entry::id);
  return entry == entries_.end() ? nullptr : entry->stored;
}

bool ResponseStore::erase(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto entry = std::ranges::find(entries_, id, &Entry::id);
  if (entry == entries_.end()) return false;
  drop(entry);
  return true;
}

}  // namespace troika::server
