#include "server/responses_request.h"

#include <limits>

#include "server/api_error.h"
#include "server/api_schemas.h"
#include "server/openai_work.h"
#include "server/picture_reader.h"
#include "server/response_store.h"

namespace troika::server {
namespace {

constexpr int kAnyInt = std::numeric_limits<int>::max();

[[noreturn]] void refuse_unsupported(const std::string& path, std::string_view what) {
  throw ApiError(400, "invalid_request_error", fmt::format("{} is not supported yet.", what), path,
                 "unsupported_parameter");
}

// Reads items into the messages of a chat template.
class Reader {
 public:
  Reader(const ServedModel& model, const Pictures& pictures) : pictures_(model, pictures) {}

  void read_item(const Json& source, const std::string& path);
  std::vector<ImageSource> take_images() { return pictures_.take(); }

  Json messages = Json::array();

 private:
  void read_message(const Fields& item);
  void read_reasoning(const Fields& item);
  Json read_content(const Json& content, const std::string& path, std::string_view role);
  Json read_part(const Fields& part, const std::string& path, std::string_view role);

  PictureReader pictures_;
  std::string reasoning_;  // of the assistant's next message
};

void Reader::read_item(const Json& source, const std::string& path) {
  const Fields item(source, path);
  const std::string type = item.string("type").value_or("message");
  if (type == "message") return read_message(item);
  if (type == "reasoning") return read_reasoning(item);
  refuse_part(path, fmt::format("items of type {} are not supported yet.", type.substr(0, 40)));
}

Json Reader::read_part(const Fields& part, const std::string& path, std::string_view role) {
  part.required("type");
  const std::string type = *part.string("type");
  if (type == "input_image" && role == "user") {
    pictures_.expect_one_more(path);
    if (part.find("file_id")) refuse_part(part.path("file_id"), "there are no files here; send image_url.");
    part.required("image_url");
    part.choice("detail", {"auto", "low", "high", "original"});  // a hint: all are shown as the model is used to
    pictures_.add_url(*part.string("image_url"), part.path("image_url"));
    return Json::object({{"type", "image"}});
  }
  const std::string_view member = type == "refusal" ? "refusal" : "text";
  if (type != "input_text" && type != "output_text" && type != "refusal")
    refuse_part(path, fmt::format("parts of type {} are not supported in messages of the {}.", type.substr(0, 40), role));
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
  for (const Json& part : parts) text.append(text.empty() ? "" : "\n").append(part["text"].get_ref<const std::string&>());
  return text;
}

void Reader::read_message(const Fields& item) {
  item.required("role");
  std::string role = *item.choice("role", {"user", "assistant", "system", "developer"});
  if (role == "developer") role = "system";
  Json message = {{"role", role}, {"content", read_content(item.required("content"), item.path("content"), role)}};
  if (role == "assistant" && !reasoning_.empty()) message["reasoning_content"] = std::exchange(reasoning_, "");
  messages.push_back(std::move(message));
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

// The request's own items; a text is a user's message.
Json read_items(const Json& input) {
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
  for (size_t i = 0; i < items.size(); ++i) {
    Fields(items[i], fmt::format("input[{}]", i));
    if (!items[i].contains("id") || !items[i]["id"].is_string()) items[i]["id"] = random_id("msg_");
  }
  return items;
}

// The conversation that is gone on with.
Json read_previous(const Models& models, const Fields& fields, Json& echo) {
  const auto id = fields.string("previous_response_id");
  echo["previous_response_id"] = id ? Json(*id) : Json();
  if (!id) return Json::array();
  const auto previous = models.responses().find(*id);
  if (!previous)
    throw ApiError(400, "invalid_request_error",
                   fmt::format("There is no response '{}' in memory: it was not stored, was deleted, had to make room, or "
                               "the server was restarted. Send the whole conversation as input.",
                               id->substr(0, 80)),
                   "previous_response_id", "previous_response_not_found");
  Json items = previous->input;
  for (const Json& item : previous->response["output"]) items.push_back(item);
  return items;
}

void read_text(const Fields& fields) {
  const Json* text = fields.find("text");
  if (!text) return;
  const Fields members(*text, "text");
  members.choice("verbosity", {"low", "medium", "high"});
  const Json* format = members.find("format");
  if (!format) return;
  const Fields about(*format, "text.format");
  about.required("type");
  const auto type = about.choice("type", {"text", "json_object", "json_schema"});
  if (*type != "text") refuse_unsupported("text.format", fmt::format("text.format {}", *type));
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
    else if (what != "reasoning.encrypted_content") refuse_unsupported("include", fmt::format("include {}", dump(what)));
  }
  call.top_logprobs = int(fields.integer("top_logprobs", 0, 20).value_or(0));
  if (call.top_logprobs > 0 && !call.logprobs)
    refuse("top_logprobs", "top_logprobs needs \"message.output_text.logprobs\" in include.");
}

void read_tool_choice(const Fields& fields) {
  fields.boolean("parallel_tool_calls");
  const Json* choice = fields.find("tool_choice");
  if (!choice) return;
  if (!choice->is_string()) Fields(*choice, "tool_choice");
  if (choice->is_string()) fields.choice("tool_choice", {"none", "auto", "required"});
  if (*choice != "none" && *choice != "auto") refuse_unsupported("tool_choice", "Calling tools");
}

}  // namespace

std::shared_ptr<ResponseCall> read_response_call(const Models& models, const Fields& fields) {
  check_fields(fields, kResponseSchema);
  auto call = std::make_shared<ResponseCall>();
  call->model = &models.find(fields.string("model"));
  call->prompt_field = "input";
  call->request.sampling = read_sampling(fields, call->engine().model());
  call->request.stream = fields.boolean("stream").value_or(false);
  if (const auto most = fields.integer("max_output_tokens", 1, kAnyInt)) call->request.max_tokens = int(*most);
  call->store = fields.boolean("store").value_or(true);
  const auto truncation = fields.choice("truncation", {"auto", "disabled"});
  if (truncation == "auto") refuse_unsupported("truncation", "truncation auto");
  read_text(fields);
  read_include(fields, *call);
  read_tool_choice(fields);
  read_reasoning(fields, *call);

  Reader reader(*call->model, models.pictures());
  const auto instructions = fields.string("instructions");
  if (instructions) reader.messages.push_back({{"role", "system"}, {"content", *instructions}});
  const Json own = read_items(fields.required("input"));
  call->items = read_previous(models, fields, call->echo);
  for (const Json& item : call->items) reader.read_item(item, "previous_response_id");
  for (size_t i = 0; i < own.size(); ++i) {
    reader.read_item(own[i], fmt::format("input[{}]", i));
    call->items.push_back(own[i]);
  }
  const Json* metadata = fields.find("metadata");
  if (metadata) Fields(*metadata, "metadata");
  call->echo["metadata"] = metadata ? *metadata : Json::object();
  call->echo["instructions"] = instructions ? Json(*instructions) : Json();
  call->echo["max_output_tokens"] = call->request.max_tokens ? Json(*call->request.max_tokens) : Json();

  Json& variables = call->input.variables;
  variables["messages"] = std::move(reader.messages);
  variables["add_generation_prompt"] = true;
  call->input.images = reader.take_images();
  call->ignored = fields.unread();
  return call;
}

}  // namespace troika::server
