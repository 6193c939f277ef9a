// See response_store.h. What is dropped is moved to a list that outlives the lock: freeing megabytes takes
// its time.
#include "server/response_store.h"

#include <algorithm>
#include <map>
#include <ranges>

#include "server/api_error.h"

namespace troika::server {

void ResponseStore::drop(Entries::const_iterator entry, Entries& dropped) {
  bytes_ -= entry->bytes;
  dropped.splice(dropped.end(), entries_, entry);
}

// The oldest of the owner who would hold the most.
ResponseStore::Entries::const_iterator ResponseStore::entry_to_drop(const Entry& coming) const {
  std::map<std::string_view, size_t> held;
  for (const Entry& entry : entries_) held[entry.stored->owner] += entry.bytes;
  if (const auto own = held.find(coming.stored->owner); own != held.end()) own->second += coming.bytes;
  const auto most = std::ranges::max_element(held, {}, [](const auto& owner) { return owner.second; });
  return std::ranges::find_if(entries_,
                              [&](const Entry& entry) { return entry.stored->owner == most->first; });
}

void ResponseStore::put(std::string id, StoredResponse stored) {
  size_t bytes = stored.response.size() + stored.input.size();
  for (const std::string& item : stored.items) bytes += sizeof item + item.size();
  if (bytes > std::min(limits_.each, limits_.bytes)) return;
  Entries dropped, coming;
  coming.push_back({.id = std::move(id),
                    .stored = std::make_shared<const StoredResponse>(std::move(stored)),
                    .bytes = std::max(bytes, limits_.bytes / limits_.responses)});
  const Entry& entry = coming.front();
  const std::lock_guard lock(mutex_);
  while (bytes_ + entry.bytes > limits_.bytes) drop(entry_to_drop(entry), dropped);
  bytes_ += entry.bytes;
  entries_.splice(entries_.end(), coming);
}

ResponseStore::Entries::const_iterator ResponseStore::entry_of(std::string_view id,
                                                               std::string_view owner) const {
  return std::ranges::find_if(entries_, [&](const Entry& e) { return e.id == id && e.stored->owner == owner; });
}

std::shared_ptr<const StoredResponse> ResponseStore::find(std::string_view id, std::string_view owner) const {
  const std::lock_guard lock(mutex_);
  const auto entry = entry_of(id, owner);
  return entry == entries_.end() ? nullptr : entry->stored;
}

std::map<std::string, std::shared_ptr<const StoredResponse>> ResponseStore::find_items(const std::set<std::string>& ids,
                                                                                       std::string_view owner) const {
  std::vector<std::shared_ptr<const StoredResponse>> own;  // oldest first
  {
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_)
      if (entry.stored->owner == owner) own.push_back(entry.stored);
  }
  std::map<std::string, std::shared_ptr<const StoredResponse>> found;
  for (const auto& stored : own)
    for (const std::string& item : stored->items)
      if (ids.contains(item)) found[item] = stored;
  return found;
}

bool ResponseStore::erase(std::string_view id, std::string_view owner) {
  Entries dropped;
  const std::lock_guard lock(mutex_);
  const auto entry = entry_of(id, owner);
  if (entry == entries_.end()) return false;
  drop(entry, dropped);
  return true;
}

std::string unknown_response(std::string_view id) {
  return fmt::format(
      "There is no response '{}' in memory: it was not stored, was too large, was deleted, had to make "
      "room, or the server was restarted.",
      shown(id));
}

}  // namespace troika::server
