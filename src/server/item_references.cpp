#include "server/item_references.h"

#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "server/api_error.h"

namespace troika::server {
namespace {

// Clients may leave the type out: an item that is nothing but an id is a reference.
bool is_reference(const Fields& item) {
  const auto type = item.string("type");
  return type ? *type == "item_reference" : item.find("id") && !item.find("role");
}

// Takes the items of these ids out of a response.
std::map<std::string, Json> take_items(const StoredResponse& stored, const std::set<std::string>& ids) {
  std::map<std::string, Json> found;
  Json input = parse_json(stored.input, "What was answered");
  Json response = parse_json(stored.response, "What was answered");
  for (Json* items : {&input, &response["output"]})
    for (Json& item : *items)
      if (const std::string& id = item["id"].get_ref<const std::string&>(); ids.contains(id)) found[id] = std::move(item);
  return found;
}

}  // namespace

void resolve_references(Json& items, const ResponseStore& store, const std::string& owner) {
  std::map<std::string, size_t> places;
  std::set<std::string> all;
  for (size_t i = 0; i < items.size(); ++i) {
    const Fields item(items[i], fmt::format("input[{}]", i));
    if (!is_reference(item)) continue;
    item.required("id");
    const std::string id = *item.string("id");
    if (!places.emplace(id, i).second) refuse(item.path("id"), "The item '{}' is referred to twice.", shown(id));
    all.insert(id);
  }
  if (all.empty()) return;
  const auto responses = store.find_items(all, owner);
  // By response: each may be megabytes, and is parsed once.
  std::map<std::shared_ptr<const StoredResponse>, std::set<std::string>> wanted;
  for (const auto& [id, place] : places) {
    const auto found = responses.find(id);
    if (found == responses.end())
      throw ApiError(400, "invalid_request_error",
                     fmt::format("There is no item '{}' in memory: its response was not stored, was too large, was deleted, "
                                 "had to make room, or the server was restarted. Send the item itself.",
                                 shown(id)),
                     fmt::format("input[{}].id", place), "item_not_found");
    wanted[found->second].insert(id);
  }
  for (const auto& [stored, ids] : wanted)
    for (auto& [id, item] : take_items(*stored, ids)) items[places.at(id)] = std::move(item);
}

}  // namespace troika::server
