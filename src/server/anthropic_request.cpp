#include "server/anthropic_request.h"

#include "server/api_error.h"
#include "server/picture_reader.h"

namespace troika::server {
namespace {

// The text of a string, or of an array of text blocks.
std::string read_system(const Json& system, const std::string& path) {
  if (system.is_string()) return system;
  if (!system.is_array()) refuse(path, "{} must be a string or an array of blocks, not {}.", path, kind_of(system));
  std::string text;
  for (size_t i = 0; i < system.size(); ++i) {
    const Fields block(system[i], fmt::format("{}[{}]", path, i));
    block.required("type");
    block.choice("type", {"text"});
    block.required("text");
    text.append(i ? "\n" : "").append(*block.string("text"));
  }
  return text;
}

// Reads messages into those of a chat template.
class Reader {
 public:
  Reader(const ServedModel& model, const Pictures& pictures) : pictures_(model, pictures) {}

  void read(const Json& message, const std::string& path);
  ChatInput take(Json variables);

  Json messages = Json::array();

 private:
  void read_content(const Json& content, const std::string& path, Json& parts, std::string& reasoning);
  void read_block(const Fields& block, const std::string& path, Json& parts, std::string& reasoning);
  void read_image(const Fields& block, const std::string& path);

  PictureReader pictures_;
};

void Reader::read_image(const Fields& block, const std::string& path) {
  pictures_.expect_one_more(path);
  const Fields source(block.required("source"), block.path("source"));
  source.required("type");
  const std::string type = *source.choice("type", {"base64", "url"});
  const char* const member = type == "url" ? "url" : "data";
  source.required(member);
  if (type == "url") return pictures_.add_url(*source.string("url"), source.path("url"));
  source.required("media_type");
  pictures_.add_base64(*source.string("data"), *source.string("media_type"), source.path("data"));
}

void Reader::read_block(const Fields& block, const std::string& path, Json& parts, std::string& reasoning) {
  block.required("type");
  const std::string type = *block.string("type");
  const bool user = messages.back()["role"] == "user";
  if (type == "text") {
    block.required("text");
    parts.push_back({{"type", "text"}, {"text", *block.string("text")}});
  } else if (type == "image" && user) {
    read_image(block, path);
    parts.push_back(Json::object({{"type", "image"}}));
  } else if (type == "thinking" && !user) {
    block.required("thinking");
    reasoning += *block.string("thinking");
  } else if (type == "redacted_thinking" && !user) {
    // Nobody but its maker can read it.
  } else {
    refuse_part(path, fmt::format("{} blocks are not supported {}.", shown(type),
                                  type == "image" ? "in the assistant's messages" : "yet"));
  }
}

void Reader::read_content(const Json& content, const std::string& path, Json& parts, std::string& reasoning) {
  if (content.is_string()) {
    parts.push_back({{"type", "text"}, {"text", content}});
    return;
  }
  if (!content.is_array())
    refuse(path, "{} must be a string or an array of blocks, not {}.", path, kind_of(content));
  if (content.empty()) refuse(path, "{} must have at least one block.", path);
  for (size_t i = 0; i < content.size(); ++i) {
    const std::string place = fmt::format("{}[{}]", path, i);
    read_block(Fields(content[i], place), place, parts, reasoning);
  }
}

// Turns of one role that follow each other are one turn, as Anthropic has it.
void Reader::read(const Json& source, const std::string& path) {
  const Fields message(source, path);
  message.required("role");
  const std::string role = *message.choice("role", {"user", "assistant"});
  if (messages.empty() || messages.back()["role"] != role)
    messages.push_back({{"role", role}, {"content", Json::array()}});
  std::string reasoning;
  Json parts = Json::array();
  read_content(message.required("content"), message.path("content"), parts, reasoning);
  Json& turn = messages.back();
  for (Json& part : parts) turn["content"].push_back(std::move(part));
  if (reasoning.empty()) return;
  if (!turn.contains("reasoning_content")) {
    turn["reasoning_content"] = std::move(reasoning);
  } else {
    turn["reasoning_content"].get_ref<std::string&>().append("\n").append(reasoning);
  }
}

// Templates expect one text of everybody but the user, and of the user where there are no pictures.
void join_texts(Json& message) {
  std::string text;
  for (const Json& part : message["content"]) {
    if (part["type"] != "text") return;
    text.append(text.empty() ? "" : "\n").append(part["text"].get_ref<const std::string&>());
  }
  message["content"] = std::move(text);
}

ChatInput Reader::take(Json variables) {
  for (Json& message : messages) join_texts(message);
  ChatInput input{.images = pictures_.take()};
  if (messages.back()["role"] == "assistant") {
    input.prefill = messages.back()["content"];
    messages.erase(messages.size() - 1);
    if (messages.empty()) refuse("messages", "messages must have a user's message before the assistant's.");
  }
  Json& list = variables["messages"];
  for (Json& message : messages) list.push_back(std::move(message));
  variables["add_generation_prompt"] = true;
  input.variables = std::move(variables);
  return input;
}

ReasoningRequest read_thinking(const Fields& fields) {
  ReasoningRequest request;
  const Json* thinking = fields.find("thinking");
  if (!thinking) return request;
  const Fields members(*thinking, "thinking");
  members.required("type");
  const std::string type = *members.choice("type", {"enabled", "disabled", "adaptive"});
  const auto budget = members.integer("budget_tokens", 1, kAnyInt);
  if (type == "enabled" && !budget) members.required("budget_tokens");
  if (type == "enabled") request.budget = int(*budget);
  if (type == "disabled") request.budget = 0;
  return request;
}

}  // namespace

std::shared_ptr<ChatCall> read_anthropic_prompt(const Models& models, const Asked& asked) {
  const Fields& fields = asked.fields;
  auto call = std::make_shared<ChatCall>();
  call->model = &models.find(asked);
  call->reasoning = read_thinking(fields);
  Json variables = {{"messages", Json::array()}};
  if (const Json* system = fields.find("system"))
    variables["messages"].push_back({{"role", "system"}, {"content", read_system(*system, "system")}});
  const Json& messages = fields.required("messages");
  if (!messages.is_array()) refuse("messages", "messages must be an array, not {}.", kind_of(messages));
  if (messages.empty()) refuse("messages", "messages must have at least one message.");
  Reader reader(*call->model, models.pictures());
  for (size_t i = 0; i < messages.size(); ++i) reader.read(messages[i], fmt::format("messages[{}]", i));
  call->input = reader.take(std::move(variables));
  return call;
}

void read_anthropic_answer(const Fields& fields, ChatCall& call) {
  fields.required("max_tokens");
  call.request.max_tokens = int(*fields.integer("max_tokens", 1, kAnyInt));
  call.request.stream = fields.boolean("stream").value_or(false);
  call.request.sampling = read_sampling(fields, call.engine().model());
  const Json* stops = fields.find("stop_sequences");
  if (stops && !stops->is_array()) refuse("stop_sequences", "stop_sequences must be an array, not {}.", kind_of(*stops));
  call.request.stops = read_stops(fields, "stop_sequences", kMostStops);
}

}  // namespace troika::server
