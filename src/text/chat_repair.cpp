// Probes are words that no template contains; a probe that comes out was taken in.
#include "text/chat_repair.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/error.h"

namespace troika::text {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSystem = "Zysteme-probe";
constexpr const char* kUser = "Uzere-probe";

Json text_parts(const std::string& text) { return Json::array({{{"type", "text"}, {"text", text}}}); }

bool has_role(const Json& message, const char* role) {
  return message.is_object() && message.contains("role") && message["role"] == role;
}

// The prompt when the template takes these messages and the user's text comes out.
std::optional<std::string> probe(const ChatTemplate& chat_template, Json messages) {
  try {
    std::string prompt =
        chat_template.render({{"messages", std::move(messages)}, {"add_generation_prompt", true}}, {.steps = 200'000});
    if (prompt.find(kUser) != prompt.npos) return prompt;
  } catch (const Error&) {
  }
  return std::nullopt;
}

// The text of a content that may be a list of parts.
std::string flat_text(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  bool first = true;
  for (const Json& part : content) {
    const bool is_text = part.is_object() && part.contains("text") && part["text"].is_string() &&
                         (!part.contains("type") || part["type"] == "text");
    if (!is_text) fail("a message holds an image or another part that is no text, but this model's chat template takes text only");
    if (!first) text += '\n';
    first = false;
    text += part["text"].get_ref<const std::string&>();
  }
  return text;
}

bool is_content(const Json& message) {
  return message.is_object() && message.contains("content") &&
         (message["content"].is_string() || message["content"].is_array());
}

void fold_system(Json& messages) {
  size_t count = 0;
  std::string system;
  for (; count < messages.size() && has_role(messages[count], "system") && is_content(messages[count]); ++count) {
    const std::string text = flat_text(messages[count]["content"]);
    if (!text.empty()) system += text + "\n\n";
  }
  if (count == 0 || count == messages.size()) return;
  Json& user = messages[count];
  if (!has_role(user, "user") || !is_content(user)) return;
  Json& content = user["content"];
  if (content.is_string()) {
    content = system + content.get<std::string>();
  } else if (!system.empty()) {
    content.insert(content.begin(), text_parts(system)[0]);
  }
  messages.erase(messages.begin(), messages.begin() + static_cast<ptrdiff_t>(count));
}

}  // namespace

ChatRepairs find_repairs(const ChatTemplate& chat_template) {
  const auto user = [](const Json& content) { return Json{{"role", "user"}, {"content", content}}; };
  const auto from_text = probe(chat_template, Json::array({user(kUser)}));
  const auto from_parts = probe(chat_template, Json::array({user(text_parts(kUser))}));
  ChatRepairs repairs;
  // A list that is printed as it is, brackets and all, was not understood.
  repairs.flattens_parts = from_text && from_parts != from_text;
  repairs.wraps_text = !from_text && from_parts;
  if (!from_text && !from_parts) return repairs;

  const auto content = [&](const char* text) { return repairs.wraps_text ? text_parts(text) : Json(text); };
  const Json system = {{"role", "system"}, {"content", content(kSystem)}};
  const auto with_system = probe(chat_template, Json::array({system, user(content(kUser))}));
  repairs.folds_system = !with_system || with_system->find(kSystem) == with_system->npos;
  return repairs;
}

void repair_messages(const ChatRepairs& repairs, Json& messages) {
  if (!messages.is_array()) return;
  for (Json& message : messages) {
    if (!is_content(message)) continue;
    Json& content = message["content"];
    if (repairs.flattens_parts && content.is_array()) content = flat_text(content);
    if (repairs.wraps_text && content.is_string()) content = text_parts(content.get<std::string>());
  }
  if (repairs.folds_system) fold_system(messages);
}

}  // namespace troika::text
