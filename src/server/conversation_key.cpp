// A chat is known by all that stands up to the user's first message, a text by its first characters: later turns only add
// to these. Caches are the caller's own, so the caller counts too.
#include "server/conversation_key.h"

#include <functional>

namespace troika::server {
namespace {

constexpr size_t kPrefixBytes = 256;  // of a plain text
constexpr size_t kMostBytes = 4096;   // of a message

const Json* member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

void add(std::string& key, std::string_view text) {
  key += text.substr(0, kMostBytes);
  key += '\0';
}

// A text, or parts of which some are texts. Pictures are left out: a chat is mostly told apart without them.
void add_content(std::string& key, const Json* content) {
  if (!content) return;
  if (content->is_string()) return add(key, content->get_ref<const std::string&>());
  if (!content->is_array()) return;
  for (const Json& part : *content) {
    const Json* const text = part.is_object() ? member(part, "text") : nullptr;
    if (text && text->is_string()) add(key, text->get_ref<const std::string&>());
  }
}

void add_beginning(std::string& key, const Json& messages) {
  for (const Json& message : messages) {
    if (!message.is_object()) return;
    add_content(key, member(message, "content"));
    const Json* const role = member(message, "role");
    if (role && *role == "user") return;
  }
}

}  // namespace

std::optional<uint64_t> conversation_of(const Asked& asked) {
  std::string key;
  for (const char* name : {"system", "instructions"}) add_content(key, member(asked.json, name));
  for (const char* name : {"messages", "input"}) {
    const Json* const messages = member(asked.json, name);
    if (!messages) continue;
    if (messages->is_array()) add_beginning(key, *messages);
    else add_content(key, messages);
  }
  const Json* const prompt = member(asked.json, "prompt");
  if (prompt && prompt->is_string()) add(key, std::string_view(prompt->get_ref<const std::string&>()).substr(0, kPrefixBytes));
  if (key.empty()) return std::nullopt;
  return std::hash<std::string>()(asked.caller + '\0' + key);
}

}  // namespace troika::server
