// The messages of a chat request as the variables of a chat template. Templates are written for plain strings
// and for tool calls whose arguments are objects; OpenAI's API has text in parts and arguments in a JSON
// string.
#include "server/api_error.h"
#include "server/openai_request.h"

namespace troika::server {
namespace {

// The text of all parts, one a line. Only text parts are understood.
std::string join_parts(const Json& parts, const std::string& path, bool refusals) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string part_path = fmt::format("{}[{}]", path, i);
    const Fields part(parts[i], part_path);
    part.required("type");
    const std::string type = *part.string("type");
    std::string_view member = "text";
    if (type == "refusal" && refusals) {
      member = "refusal";
    } else if (type == "image_url" || type == "input_audio" || type == "file") {
      throw ApiError(
          400, "invalid_request_error",
          fmt::format("{}: {} parts are not supported yet; this model takes text.", part_path, type),
          part_path, "unsupported_parameter");
    } else if (type != "text") {
      refuse(part.path("type"), "{} must be \"text\", not \"{}\".", part.path("type"), type.substr(0, 40));
    }
    part.required(member);
    if (i) text += '\n';
    text += *part.string(member);
  }
  return text;
}

std::string read_content(const Json& content, const std::string& path, bool refusals) {
  if (content.is_string()) return content;
  if (!content.is_array())
    refuse(path, "{} must be a string or an array of parts, not {}.", path, kind_of(content));
  if (content.empty()) refuse(path, "{} must have at least one part.", path);
  return join_parts(content, path, refusals);
}

// Arguments that are no JSON object (a model's slip that the client sends back) stay the string they are.
Json read_arguments(const Json& arguments, const std::string& path) {
  if (arguments.is_object()) return arguments;
  if (!arguments.is_string()) refuse(path, "{} must be a string of JSON, not {}.", path, kind_of(arguments));
  try {
    Json parsed = parse_json(arguments.get_ref<const std::string&>());
    if (parsed.is_object()) return parsed;
  } catch (const ApiError&) {
  }
  return arguments;
}

Json read_tool_calls(const Json& calls, const std::string& path) {
  if (!calls.is_array()) refuse(path, "{} must be an array, not {}.", path, kind_of(calls));
  Json result = Json::array();
  for (size_t i = 0; i < calls.size(); ++i) {
    const Fields call(calls[i], fmt::format("{}[{}]", path, i));
    const Fields function(call.required("function"), call.path("function"));
    function.required("name");
    Json item = {{"type", "function"}, {"function", {{"name", *function.string("name")}}}};
    if (const auto id = call.string("id")) item["id"] = *id;
    const Json* arguments = function.find("arguments");
    item["function"]["arguments"] =
        arguments ? read_arguments(*arguments, function.path("arguments")) : Json::object();
    result.push_back(std::move(item));
  }
  return result;
}

Json read_message(const Json& source, const std::string& path) {
  const Fields message(source, path);
  message.required("role");
  std::string role = *message.choice("role", {"system", "developer", "user", "assistant", "tool"});
  if (role == "developer") role = "system";
  Json result = {{"role", role}};

  const Json* content = message.find("content");
  const Json* calls = role == "assistant" ? message.find("tool_calls") : nullptr;
  const Json* refusal = role == "assistant" ? message.find("refusal") : nullptr;
  if (content) {
    result["content"] = read_content(*content, message.path("content"), role == "assistant");
  } else if (refusal) {
    result["content"] = *message.string("refusal");
  } else if (calls) {
    result["content"] = "";
  } else {
    message.required("content");
  }
  if (calls && !(calls->is_array() && calls->empty()))
    result["tool_calls"] = read_tool_calls(*calls, message.path("tool_calls"));
  for (const char* name : {"name", "reasoning_content", "tool_call_id"})
    if (const auto text = message.string(name)) result[name] = *text;
  return result;
}

}  // namespace

Json read_chat_variables(const Fields& fields) {
  const Json& messages = fields.required("messages");
  if (!messages.is_array()) refuse("messages", "messages must be an array, not {}.", kind_of(messages));
  if (messages.empty()) refuse("messages", "messages must have at least one message.");
  Json variables = Json::object();
  if (const Json* own = fields.find("chat_template_kwargs")) {
    Fields(*own, "chat_template_kwargs");
    variables = *own;
  }
  if (const auto effort =
          fields.choice("reasoning_effort", {"none", "minimal", "low", "medium", "high", "xhigh", "max"})) {
    variables["reasoning_effort"] = *effort;
    if (*effort == "none") variables["enable_thinking"] = false;
  }
  Json& list = variables["messages"] = Json::array();
  for (size_t i = 0; i < messages.size(); ++i)
    list.push_back(read_message(messages[i], fmt::format("messages[{}]", i)));
  variables["add_generation_prompt"] = true;
  return variables;
}

}  // namespace troika::server
