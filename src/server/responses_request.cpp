#include "server/responses_request.h"

#include <utility>

#include "server/answer_json.h"
#include "server/api_error.h"
#include "server/call_history.h"
#include "server/item_references.h"
#include "server/output_format.h"
#include "server/picture_reader.h"
#include "server/response_store.h"
#include "server/tool_reader.h"

namespace troika::server {
namespace {

constexpr size_t kMostMetadata = 64 << 10;  // bytes of JSON; OpenAI takes 16 texts of 512 characters

// Reads items into the messages of a chat template. Calls belong to the assistant's message before them; the pictures of
// results come in a message of the user behind the last result.
class Reader {
 public:
  Reader(const ServedModel& model, const Pictures& pictures) : pictures_(model, pictures) {}

  void instruct(const std::string& words) { messages_.push_back({{"role", "system"}, {"content", words}}); }
  void read_item(const Json& source, const std::string& path);
  Json take_messages();
  std::vector<ImageSource> take_images() { return pictures_.take(); }

 private:
  void read_message(const Fields& item);
  void read_reasoning(const Fields& item);
  void read_call(const Fields& item);
  void read_result(const Fields& item);
  void show_pictures();
  Json below_pictures(Json content);
  Json read_content(const Json& content, const std::string& path, std::string_view role);
  Json read_part(const Fields& part, const std::string& path, std::string_view role);

  PictureReader pictures_;
  CallHistory history_;
  Json messages_ = Json::array();
  Json shown_ = Json::array();  // pictures of results, as parts
  std::string reasoning_;       // of the next message, if it is the assistant's
};

Json Reader::take_messages() {
  show_pictures();
  return std::move(messages_);
}

// What the results before showed.
void Reader::show_pictures() {
  if (shown_.empty()) return;
  messages_.push_back({{"role", "user"}, {"content", std::exchange(shown_, Json::array())}});
}

// The same in what the user says next.
Json Reader::below_pictures(Json content) {
  if (shown_.empty()) return content;
  Json parts = std::exchange(shown_, Json::array());
  if (content.is_string()) content = Json::array({{{"type", "text"}, {"text", std::move(content)}}});
  for (Json& part : content) parts.push_back(std::move(part));
  return parts;
}

void Reader::read_item(const Json& source, const std::string& path) {
  const Fields item(source, path);
  const std::string type = item.string("type").value_or("message");
  if (type == "function_call_output") return read_result(item);
  if (type == "message") return read_message(item);
  show_pictures();
  if (type == "reasoning") return read_reasoning(item);
  if (type == "function_call") return read_call(item);
  refuse_part(path, fmt::format("items of type {} are not supported yet.", shown(type)));
}

Json Reader::read_part(const Fields& part, const std::string& path, std::string_view role) {
  part.required("type");
  const std::string type = *part.string("type");
  if (type == "input_image" && (role == "user" || role == "tool")) {
    pictures_.expect_one_more(path);
    if (part.find("file_id")) refuse_part(part.path("file_id"), "there are no files here; send image_url.");
    part.required("image_url");
    part.choice("detail", {"auto", "low", "high", "original"});  // a hint: all are shown as the model is used to
    pictures_.add_url(*part.string("image_url"), part.path("image_url"));
    return Json::object({{"type", "image"}});
  }
  const std::string_view member = type == "refusal" ? "refusal" : "text";
  if (type != "input_text" && type != "output_text" && type != "refusal")
    refuse_part(path,
                fmt::format("parts of type {} are not supported in messages of the {}.", shown(type), role));
  part.required(member);
  return {{"type", "text"}, {"text", *part.string(member)}};
}

// The user's stay in parts where there are pictures; everybody else's are one text.
Json Reader::read_content(const Json& content, const std::string& path, std::string_view role) {
  if (content.is_string()) return content;
  if (!content.is_array()) refuse(path, "{} must be a string or an array of parts, not {}.", path, kind_of(content));
  Json parts = Json::array();
  for (size_t i = 0; i < content.size(); ++i) {
    const std::string place = fmt::format("{}[{}]", path, i);
    parts.push_back(read_part(Fields(content[i], place), place, role));
  }
  if (role == "user") return parts;
  std::string text;
  for (Json& part : parts) {
    text.append(text.empty() ? "" : "\n");
    if (part["type"] == "text") {
      text.append(part["text"].get_ref<const std::string&>());
    } else {
      text.append(kPictureBelow);
      shown_.push_back(std::move(part));
    }
  }
  return text;
}

void Reader::read_message(const Fields& item) {
  item.required("role");
  std::string role = *item.choice("role", {"user", "assistant", "system", "developer"});
  if (role == "developer") role = "system";
  Json content = read_content(item.required("content"), item.path("content"), role);
  if (role == "user") {
    content = below_pictures(std::move(content));
  } else {
    show_pictures();
  }
  Json message = {{"role", role}, {"content", std::move(content)}};
  // Reasoning that no answer followed, as where the tokens ran out, is nobody else's.
  const std::string reasoning = std::exchange(reasoning_, "");
  if (role == "assistant" && !reasoning.empty()) message["reasoning_content"] = reasoning;
  messages_.push_back(std::move(message));
}

void Reader::read_call(const Fields& item) {
  item.required("call_id");
  item.required("name");
  Json call = history_.call(*item.string("call_id"), *item.string("name"),
                            read_arguments(item.required("arguments"), item.path("arguments")));
  if (messages_.empty() || messages_.back()["role"] != "assistant" || !reasoning_.empty()) {
    messages_.push_back({{"role", "assistant"}, {"content", ""}});
    if (!reasoning_.empty()) messages_.back()["reasoning_content"] = std::exchange(reasoning_, "");
  }
  messages_.back()["tool_calls"].push_back(std::move(call));
}

void Reader::read_result(const Fields& item) {
  item.required("call_id");
  Json text = read_content(item.required("output"), item.path("output"), "tool");
  messages_.push_back(history_.result(*item.string("call_id"), std::move(text), item.path("call_id")));
}

void Reader::read_reasoning(const Fields& item) {
  const Json* content = item.find("content");
  if (!content) return;
  const std::string path = item.path("content");
  if (!content->is_array()) refuse(path, "{} must be an array, not {}.", path, kind_of(*content));
  for (size_t i = 0; i < content->size(); ++i) {
    const Fields part((*content)[i], fmt::format("{}[{}]", path, i));
    part.required("text");
    reasoning_ += *part.string("text");
  }
}

// The request's own items, each with an id; a text is a user's message.
Json read_items(const Json& input, const ResponseStore& store, const std::string& owner) {
  Json items = Json::array();
  if (input.is_string()) {
    items.push_back({{"type", "message"},
                     {"role", "user"},
                     {"content", Json::array({{{"type", "input_text"}, {"text", input}}})}});
  } else if (input.is_array()) {
    items = input;
  } else {
    refuse("input", "input must be a string or an array of items, not {}.", kind_of(input));
  }
  if (items.empty()) refuse("input", "input must have at least one item.");
  resolve_references(items, store, owner);
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i].contains("id") || !items[i]["id"].is_string())
      items[i]["id"] = random_id(items[i].contains("call_id") ? "fc_" : "msg_");
  }
  return items;
}

constexpr const char* kConversation = "The conversation of previous_response_id";

// The conversation that is gone on with.
Json read_previous(const Models& models, const Asked& asked, Json& echo) {
  const auto id = asked.fields.string("previous_response_id");
  echo["previous_response_id"] = id ? Json(*id) : Json();
  if (!id) return Json::array();
  const auto previous = models.responses().find(*id, asked.caller);
  if (!previous)
    throw ApiError(400, "invalid_request_error",
                   unknown_response(*id) + " Send the whole conversation as input.", "previous_response_id",
                   "previous_response_not_found");
  Json items = parse_json(previous->input, kConversation);
  Json response = parse_json(previous->response, kConversation);
  for (Json& item : response["output"]) items.push_back(std::move(item));
  return items;
}

void read_text(const Fields& fields, ResponseCall& call) {
  Json& echo = call.echo["text"] = {{"format", {{"type", "text"}}}};
  const Json* text = fields.find("text");
  if (!text) return;
  const Fields members(*text, "text");
  members.choice("verbosity", {"low", "medium", "high"});
  const Json* format = members.find("format");
  if (!format) return;
  call.request.format = read_text_format(Fields(*format, "text.format"));
  echo["format"] = *format;
}

void read_tools(const Fields& fields, ResponseCall& call) {
  call.tools = read_response_tools(fields);
  const Json* tools = fields.find("tools");
  const Json* choice = fields.find("tool_choice");
  call.echo["tools"] = tools ? *tools : Json::array();
  call.echo["tool_choice"] = choice ? *choice : Json("auto");
  call.echo["parallel_tool_calls"] = fields.boolean("parallel_tool_calls").value_or(true);
}

void read_reasoning(const Fields& fields, ResponseCall& call) {
  std::optional<std::string> effort;
  if (const Json* reasoning = fields.find("reasoning")) {
    const Fields members(*reasoning, "reasoning");
    effort = members.choice("effort", kEfforts);
    const auto summary = members.choice("summary", {"auto", "concise", "detailed"});
    if (summary && *summary != "auto") refuse_unsupported("reasoning.summary", fmt::format("reasoning.summary {}", *summary));
  }
  set_effort(call.input.variables, effort);
  call.echo["reasoning"] = {{"effort", effort ? Json(*effort) : Json()}, {"summary", nullptr}};
}

void read_include(const Fields& fields, ResponseCall& call) {
  const Json* include = fields.find("include");
  if (include && !include->is_array()) refuse("include", "include must be an array, not {}.", kind_of(*include));
  for (const Json& what : include ? *include : Json::array()) {
    if (what == "message.output_text.logprobs") call.logprobs = true;
    else if (what != "reasoning.encrypted_content")
      refuse_unsupported("include", fmt::format("include {}", shown(dump(what))));
  }
  call.top_logprobs = int(fields.integer("top_logprobs", 0, 20).value_or(0));
  if (call.top_logprobs > 0 && !call.logprobs)
    refuse("top_logprobs", "top_logprobs needs \"message.output_text.logprobs\" in include.");
}

}  // namespace

std::shared_ptr<ResponseCall> read_response_call(const Models& models, const Asked& asked) {
  const Fields& fields = asked.fields;
  auto call = std::make_shared<ResponseCall>();
  call->model = &models.find(asked);
  call->prompt_field = "input";
  call->request.sampling = read_sampling(fields, call->engine().model());
  call->request.stream = fields.boolean("stream").value_or(false);
  if (const auto most = fields.integer("max_output_tokens", 1, kAnyInt)) call->request.max_tokens = int(*most);
  call->store = fields.boolean("store").value_or(true);
  const auto truncation = fields.choice("truncation", {"auto", "disabled"});
  if (truncation == "auto") refuse_unsupported("truncation", "truncation auto");
  read_text(fields, *call);
  read_include(fields, *call);
  read_tools(fields, *call);
  read_reasoning(fields, *call);

  Reader reader(*call->model, models.pictures());
  const auto instructions = fields.string("instructions");
  if (instructions) reader.instruct(*instructions);
  Json own = read_items(fields.required("input"), models.responses(), asked.caller);
  Json items = read_previous(models, asked, call->echo);
  for (const Json& item : items) reader.read_item(item, "previous_response_id");
  for (size_t i = 0; i < own.size(); ++i) {
    reader.read_item(own[i], fmt::format("input[{}]", i));
    call->item_ids.push_back(own[i]["id"]);
    items.push_back(std::move(own[i]));
  }
  if (call->store) call->items = dump(items);
  const Json* metadata = fields.find("metadata");
  if (metadata) Fields(*metadata, "metadata");
  if (metadata && dump(*metadata).size() > kMostMetadata)
    refuse("metadata",
           "metadata has more than {} bytes; it comes back with every event of the stream, so send less.",
           kMostMetadata);
  call->echo["metadata"] = metadata ? *metadata : Json::object();
  call->echo["instructions"] = instructions ? Json(*instructions) : Json();
  call->echo["max_output_tokens"] = call->request.max_tokens ? Json(*call->request.max_tokens) : Json();

  Json& variables = call->input.variables;
  variables["messages"] = reader.take_messages();
  variables["add_generation_prompt"] = true;
  call->input.images = reader.take_images();
  return call;
}

}  // namespace troika::server
