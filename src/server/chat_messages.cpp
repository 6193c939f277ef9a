// The messages of a chat request as the variables of a chat template. Templates are written for plain strings, for
// user turns in parts, and for tool calls whose arguments are objects; OpenAI's API has text in parts everywhere,
// pictures in URLs, and arguments in a JSON string.
#include "server/api_error.h"
#include "server/call_history.h"
#include "server/openai_request.h"
#include "server/picture_reader.h"

namespace troika::server {
namespace {

// Reads messages; collects the pictures that they show.
class Reader {
 public:
  Reader(const ServedModel& model, const Pictures& pictures) : pictures_(model, pictures) {}

  Json read_message(const Json& source, const std::string& path);
  std::vector<ImageSource> take_images() { return pictures_.take(); }

 private:
  Json read_content(const Json& content, const std::string& path, std::string_view role);
  Json read_part(const Fields& part, const std::string& path, std::string_view role);
  void read_image(const Fields& part, const std::string& path);

  PictureReader pictures_;
};

void Reader::read_image(const Fields& part, const std::string& path) {
  pictures_.expect_one_more(path);
  const Fields image(part.required("image_url"), part.path("image_url"));
  image.required("url");
  image.choice("detail", {"auto", "low", "high", "original"});  // a hint: all are shown as the model is used to
  pictures_.add_url(*image.string("url"), image.path("url"));
}

// In the form of templates: {"type": "text", "text": …} or {"type": "image"}.
Json Reader::read_part(const Fields& part, const std::string& path, std::string_view role) {
  part.required("type");
  const std::string type = *part.string("type");
  if (type == "image_url") {
    if (role != "user") refuse_part(path, "pictures belong in the user's messages.");
    read_image(part, path);
    return {{"type", "image"}};
  }
  if (type == "input_audio" || type == "file") refuse_part(path, fmt::format("{} parts are not supported yet.", type));
  const std::string_view member = type == "refusal" && role == "assistant" ? "refusal" : "text";
  if (type != member)
    refuse(part.path("type"), "{} must be \"text\" or \"image_url\", not \"{}\".", part.path("type"),
           shown(type));
  part.required(member);
  return {{"type", "text"}, {"text", *part.string(member)}};
}

// User turns stay in parts: how they are joined is the template's business. Of others it expects one text.
Json Reader::read_content(const Json& content, const std::string& path, std::string_view role) {
  if (content.is_string()) return content;
  if (!content.is_array())
    refuse(path, "{} must be a string or an array of parts, not {}.", path, kind_of(content));
  if (content.empty()) refuse(path, "{} must have at least one part.", path);
  Json parts = Json::array();
  for (size_t i = 0; i < content.size(); ++i) {
    const std::string part_path = fmt::format("{}[{}]", path, i);
    parts.push_back(read_part(Fields(content[i], part_path), part_path, role));
  }
  if (role == "user") return parts;
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) text.append(i ? "\n" : "").append(parts[i]["text"]);
  return text;
}

Json Reader::read_message(const Json& source, const std::string& path) {
  const Fields message(source, path);
  message.required("role");
  std::string role = *message.choice("role", {"system", "developer", "user", "assistant", "tool"});
  if (role == "developer") role = "system";
  Json result = {{"role", role}};

  const Json* content = message.find("content");
  const Json* calls = role == "assistant" ? message.find("tool_calls") : nullptr;
  const Json* refusal = role == "assistant" ? message.find("refusal") : nullptr;
  if (content) {
    result["content"] = read_content(*content, message.path("content"), role);
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

void set_effort(Json& variables, const std::optional<std::string>& effort) {
  if (!effort) return;
  variables["reasoning_effort"] = *effort;
  if (*effort == "none") variables["enable_thinking"] = false;
}

ChatInput read_chat(const Fields& fields, const ServedModel& model, const Pictures& pictures) {
  const Json& messages = fields.required("messages");
  if (!messages.is_array()) refuse("messages", "messages must be an array, not {}.", kind_of(messages));
  if (messages.empty()) refuse("messages", "messages must have at least one message.");
  Json variables = Json::object();
  if (const Json* own = fields.find("chat_template_kwargs")) {
    Fields(*own, "chat_template_kwargs");
    variables = *own;
  }
  set_effort(variables, fields.choice("reasoning_effort", kEfforts));
  if (const auto think = fields.boolean("enable_thinking")) variables["enable_thinking"] = *think;
  Reader reader(model, pictures);
  Json& list = variables["messages"] = Json::array();
  for (size_t i = 0; i < messages.size(); ++i)
    list.push_back(reader.read_message(messages[i], fmt::format("messages[{}]", i)));
  variables["add_generation_prompt"] = true;
  return {.variables = std::move(variables), .images = reader.take_images()};
}

}  // namespace troika::server
