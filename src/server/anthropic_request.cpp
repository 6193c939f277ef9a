#include "server/anthropic_request.h"

#include <utility>

#include "server/anthropic_documents.h"
#include "server/api_error.h"
#include "server/call_history.h"
#include "server/output_format.h"
#include "server/picture_reader.h"
#include "server/tool_reader.h"

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

// Reads messages into those of a chat template. Turns of one role that follow each other are one turn, as
// Anthropic has it. Of a user's turn the results of tools come first, each as a message of its own.
class Reader {
 public:
  Reader(const ServedModel& model, const Pictures& pictures) : pictures_(model, pictures) {}

  void read(const Json& message, const std::string& path);
  ChatInput take(Json variables);

 private:
  struct Turn {
    std::string role, path;  // of its last message
    Json parts = Json::array(), calls = Json::array(), results = Json::array();
    std::string reasoning;
  };

  void read_content(const Json& content, const std::string& path);
  void read_block(const Fields& block, const std::string& path);
  void read_user_block(const Fields& block, const std::string& type, const std::string& path);
  void read_assistant_block(const Fields& block, const std::string& type, const std::string& path);
  void read_image(const Fields& block, const std::string& path);
  void read_picture_below(const Fields& block, const std::string& path, std::string& text);
  void add_text(std::string text) { turn_.parts.push_back({{"type", "text"}, {"text", std::move(text)}}); }
  void read_call(const Fields& block);
  void read_result(const Fields& block);
  std::string read_result_content(const Json& content, const std::string& path);
  void end_turn();

  PictureReader pictures_;
  CallHistory history_;
  Turn turn_;
  Json messages_ = Json::array();
};

void Reader::read_image(const Fields& block, const std::string& path) {
  pictures_.expect_one_more(path);
  turn_.parts.push_back(Json::object({{"type", "image"}}));
  const Fields source(block.required("source"), block.path("source"));
  source.required("type");
  const std::string type = *source.choice("type", {"base64", "url"});
  const char* const member = type == "url" ? "url" : "data";
  source.required(member);
  if (type == "url") return pictures_.add_url(*source.string("url"), source.path("url"));
  source.required("media_type");
  pictures_.add_base64(*source.string("data"), *source.string("media_type"), source.path("data"));
}

// One that goes to the user's parts, behind the text that names it.
void Reader::read_picture_below(const Fields& block, const std::string& path, std::string& text) {
  read_image(block, path);
  text += kPictureBelow;
}

void Reader::read_call(const Fields& block) {
  block.required("id");
  block.required("name");
  const Json& input = block.required("input");
  Fields(input, block.path("input"));
  turn_.calls.push_back(history_.call(*block.string("id"), *block.string("name"), input));
}

// Text, and pictures that go to the user's parts.
std::string Reader::read_result_content(const Json& content, const std::string& path) {
  if (content.is_string()) return content;
  if (!content.is_array())
    refuse(path, "{} must be a string or an array of blocks, not {}.", path, kind_of(content));
  std::string text;
  for (size_t i = 0; i < content.size(); ++i) {
    const std::string place = fmt::format("{}[{}]", path, i);
    const Fields block(content[i], place);
    block.required("type");
    const std::string type = *block.string("type");
    if (i > 0) text += '\n';
    if (type == "text") {
      block.required("text");
      text += *block.string("text");
    } else if (type == "image") {
      read_picture_below(block, place, text);
    } else if (type == "document") {
      text += read_document(block, [this](const Fields& picture, const std::string& at, std::string& before) {
        read_picture_below(picture, at, before);
      });
    } else {
      refuse_part(place, fmt::format("{} blocks are not supported in the results of tools.", shown(type)));
    }
  }
  return text;
}

void Reader::read_result(const Fields& block) {
  block.required("tool_use_id");
  const Json* content = block.find("content");
  std::string text = content ? read_result_content(*content, block.path("content")) : "";
  if (block.boolean("is_error").value_or(false)) text.insert(0, text.empty() ? "Error" : "Error: ");
  turn_.results.push_back(
      history_.result(*block.string("tool_use_id"), std::move(text), block.path("tool_use_id")));
}

void Reader::read_user_block(const Fields& block, const std::string& type, const std::string& path) {
  if (type == "image") return read_image(block, path);
  if (type == "tool_result") return read_result(block);
  if (type == "document")
    return add_text(read_document(block, [this](const Fields& picture, const std::string& place, std::string& before) {
      add_text(std::exchange(before, ""));
      read_image(picture, place);
    }));
  refuse_part(path, fmt::format("{} blocks are not supported in the user's messages.", shown(type)));
}

void Reader::read_assistant_block(const Fields& block, const std::string& type, const std::string& path) {
  if (type == "tool_use") return read_call(block);
  if (type == "redacted_thinking") return;  // nobody but its maker can read it
  if (type != "thinking")
    refuse_part(path, fmt::format("{} blocks are not supported in the assistant's messages.", shown(type)));
  block.required("thinking");
  turn_.reasoning.append(turn_.reasoning.empty() ? "" : "\n").append(*block.string("thinking"));
}

void Reader::read_block(const Fields& block, const std::string& path) {
  block.required("type");
  const std::string type = *block.string("type");
  if (type == "text") {
    block.required("text");
    add_text(*block.string("text"));
  } else if (turn_.role == "user") {
    read_user_block(block, type, path);
  } else {
    read_assistant_block(block, type, path);
  }
}

void Reader::read_content(const Json& content, const std::string& path) {
  if (content.is_string()) return add_text(content);
  if (!content.is_array())
    refuse(path, "{} must be a string or an array of blocks, not {}.", path, kind_of(content));
  if (content.empty()) refuse(path, "{} must have at least one block.", path);
  for (size_t i = 0; i < content.size(); ++i) {
    const std::string place = fmt::format("{}[{}]", path, i);
    read_block(Fields(content[i], place), place);
  }
}

void Reader::read(const Json& source, const std::string& path) {
  const Fields message(source, path);
  message.required("role");
  const std::string role = *message.choice("role", {"user", "assistant"});
  if (role != turn_.role) {
    end_turn();
    turn_.role = role;
  }
  turn_.path = path;
  read_content(message.required("content"), message.path("content"));
}

// Templates expect one text of everybody but the user, and of the user where there are no pictures.
Json joined(Json parts) {
  std::string text;
  for (const Json& part : parts) {
    if (part["type"] != "text") return parts;
    text.append(text.empty() ? "" : "\n").append(part["text"].get_ref<const std::string&>());
  }
  return text;
}

void Reader::end_turn() {
  Turn turn = std::exchange(turn_, {});
  if (turn.role.empty()) return;
  const bool only_results = turn.parts.empty() && !turn.results.empty();
  for (Json& result : turn.results) messages_.push_back(std::move(result));
  if (only_results) return;
  Json message = {{"role", turn.role}, {"content", joined(std::move(turn.parts))}};
  if (!turn.reasoning.empty()) message["reasoning_content"] = std::move(turn.reasoning);
  if (!turn.calls.empty()) message["tool_calls"] = std::move(turn.calls);
  messages_.push_back(std::move(message));
}

ChatInput Reader::take(Json variables) {
  ChatInput input;
  if (turn_.role == "assistant") {
    if (!turn_.calls.empty())
      refuse(turn_.path, "{} ends in calls of tools; send their results in a message of the user.", turn_.path);
    input.prefill = joined(std::move(turn_.parts));
    if (messages_.empty())
      refuse("messages", "messages must have a user's message before the assistant's.");
  } else {
    end_turn();
  }
  input.images = pictures_.take();
  Json& list = variables["messages"];
  for (Json& message : messages_) list.push_back(std::move(message));
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

// How much the model thinks, and the schema of its answer.
void read_output_config(const Fields& fields, ChatCall& call, Json& variables) {
  const Json* config = fields.find("output_config");
  if (!config) return;
  const Fields members(*config, "output_config");
  set_effort(variables, members.choice("effort", kEfforts));
  const Json* format = members.find("format");
  if (!format) return;
  const Fields about(*format, members.path("format"));
  about.required("type");
  about.choice("type", {"json_schema"});
  call.request.format = read_schema_format(about, "schema");
}

}  // namespace

std::shared_ptr<ChatCall> read_anthropic_prompt(const Models& models, const Asked& asked) {
  const Fields& fields = asked.fields;
  auto call = std::make_shared<ChatCall>();
  call->model = &models.find(asked);
  call->reasoning = read_thinking(fields);
  call->tools = read_anthropic_tools(fields);
  Json variables = {{"messages", Json::array()}};
  read_output_config(fields, *call, variables);
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
