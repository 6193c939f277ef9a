#include "server/tool_reader.h"

#include <algorithm>

#include "server/api_error.h"

namespace troika::server {
namespace {

constexpr size_t kMostTools = 128;
constexpr size_t kLongestName = 128;

using Choice = ToolRequest::Choice;

// Where OpenAI's APIs have the members of a function: in an object of its own, or beside the type.
enum class Form { nested, flat };

bool is_function_name(const std::string& name) {
  return !name.empty() && name.size() <= kLongestName &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") ==
             name.npos;
}

// What all APIs say of a function; `schema` is what they call its parameters.
Tool read_function(const Fields& function, std::string_view schema, const std::vector<Tool>& before) {
  function.required("name");
  Tool result{.name = *function.string("name"),
              .strict = function.boolean("strict").value_or(false),
              .path = function.path(schema)};
  const std::string place = function.path("name");
  if (!is_function_name(result.name))
    refuse(place, "{} must have 1 to {} letters, digits, _, - or dots.", place, kLongestName);
  if (std::ranges::find(before, result.name, &Tool::name) != before.end())
    refuse(place, "Two tools are named '{}'.", result.name);
  const auto description = function.string("description");
  const Json* parameters = function.find(schema);
  if (parameters && !parameters->is_object())
    refuse(result.path, "{} must be a JSON schema, not {}.", result.path, kind_of(*parameters));
  // Without parameters a function takes none.
  result.parameters = parameters && !parameters->empty()
                          ? *parameters
                          : Json{{"type", "object"}, {"additionalProperties", false}};
  // Templates are written for the form of OpenAI's chat.
  Json about = {{"name", result.name}};
  if (description) about["description"] = *description;
  about["parameters"] = result.parameters;
  result.source = {{"type", "function"}, {"function", std::move(about)}};
  return result;
}

// The function that a tool or a choice is about.
Fields function_of(const Json& source, const std::string& path, Form form) {
  Fields fields(source, path);
  fields.required("type");
  fields.choice("type", {"function"});
  if (form == Form::flat) return fields;
  return Fields(fields.required("function"), fields.path("function"));
}

Tool read_nested_tool(const Json& source, const std::string& path, const std::vector<Tool>& before) {
  Tool tool = read_function(function_of(source, path, Form::nested), "parameters", before);
  tool.source = source;
  return tool;
}

Tool read_flat_tool(const Json& source, const std::string& path, const std::vector<Tool>& before) {
  return read_function(function_of(source, path, Form::flat), "parameters", before);
}

Tool read_anthropic_tool(const Json& source, const std::string& path, const std::vector<Tool>& before) {
  const Fields tool(source, path);
  const std::string type = tool.string("type").value_or("custom");
  if (type != "custom")
    refuse(tool.path("type"), "{} is '{}', but only tools of the client's own (\"custom\") can be called here.",
           tool.path("type"), shown(type));
  tool.required("input_schema");
  return read_function(tool, "input_schema", before);
}

// Any tool may be called, if there are any.
template <typename ReadTool>
ToolRequest read_list(const Fields& fields, const ReadTool& read) {
  ToolRequest request;
  const Json* tools = fields.find("tools");
  if (!tools) return request;
  if (!tools->is_array()) refuse("tools", "tools must be an array, not {}.", kind_of(*tools));
  if (tools->size() > kMostTools)
    refuse("tools", "tools must have at most {} tools, not {}.", kMostTools, tools->size());
  for (size_t i = 0; i < tools->size(); ++i)
    request.tools.push_back(read((*tools)[i], fmt::format("tools[{}]", i), request.tools));
  if (!request.tools.empty()) request.choice = Choice::automatic;
  return request;
}

Tool& find_tool(std::vector<Tool>& tools, const Fields& chosen) {
  chosen.required("name");
  const std::string name = *chosen.string("name");
  const auto found = std::ranges::find(tools, name, &Tool::name);
  if (found == tools.end())
    refuse(chosen.path("name"), "{} is '{}', which is none of the tools.", chosen.path("name"), shown(name));
  return *found;
}

// Only these may be called.
void allow_only(std::vector<Tool>& tools, const std::vector<Tool*>& allowed) {
  for (Tool& tool : tools) tool.allowed = std::ranges::find(allowed, &tool) != allowed.end();
}

void must_call(ToolRequest& request, std::string_view word) {
  if (request.tools.empty()) refuse("tool_choice", "tool_choice is {}, but there are no tools.", word);
  request.choice = Choice::required;
}

// A call that is asked for by name is made once.
void must_call_one(ToolRequest& request, const Fields& chosen) {
  allow_only(request.tools, {&find_tool(request.tools, chosen)});
  request.choice = Choice::required;
  request.parallel = false;
}

void read_allowed(const Fields& set, Form form, ToolRequest& request) {
  set.required("mode");
  const bool must = *set.choice("mode", {"auto", "required"}) == "required";
  request.choice = must ? Choice::required : Choice::automatic;
  const Json& list = set.required("tools");
  if (!list.is_array() || list.empty())
    refuse(set.path("tools"), "{} must be a list of tools.", set.path("tools"));
  std::vector<Tool*> allowed;
  for (size_t i = 0; i < list.size(); ++i)
    allowed.push_back(&find_tool(request.tools,
                                 function_of(list[i], fmt::format("{}[{}]", set.path("tools"), i), form)));
  allow_only(request.tools, allowed);
}

void read_openai_choice(const Fields& fields, Form form, ToolRequest& request) {
  request.parallel = fields.boolean("parallel_tool_calls").value_or(true);
  const Json* choice = fields.find("tool_choice");
  if (!choice) return;
  if (choice->is_string()) {
    const std::string word = *fields.choice("tool_choice", {"none", "auto", "required"});
    if (word == "none") request.choice = Choice::none;
    if (word == "required") must_call(request, word);
    return;
  }
  const Fields members(*choice, "tool_choice");
  members.required("type");
  if (*members.choice("type", {"function", "allowed_tools"}) == "function")
    return must_call_one(request, function_of(*choice, "tool_choice", form));
  if (form == Form::flat) return read_allowed(members, form, request);
  read_allowed(Fields(members.required("allowed_tools"), members.path("allowed_tools")), form, request);
}

}  // namespace

ToolRequest read_chat_tools(const Fields& fields) {
  ToolRequest request = read_list(fields, read_nested_tool);
  read_openai_choice(fields, Form::nested, request);
  return request;
}

ToolRequest read_ollama_tools(const Fields& fields) { return read_list(fields, read_nested_tool); }

ToolRequest read_response_tools(const Fields& fields) {
  ToolRequest request = read_list(fields, read_flat_tool);
  read_openai_choice(fields, Form::flat, request);
  return request;
}

ToolRequest read_anthropic_tools(const Fields& fields) {
  ToolRequest request = read_list(fields, read_anthropic_tool);
  const Json* source = fields.find("tool_choice");
  if (!source) return request;
  const Fields choice(*source, "tool_choice");
  choice.required("type");
  const std::string type = *choice.choice("type", {"auto", "any", "tool", "none"});
  request.parallel = !choice.boolean("disable_parallel_tool_use").value_or(false);
  if (type == "none") request.choice = Choice::none;
  if (type == "any") must_call(request, type);
  if (type == "tool") must_call_one(request, choice);
  return request;
}

}  // namespace troika::server
