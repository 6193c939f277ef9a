#include "server/tools.h"

#include <algorithm>

#include "grammar/automaton.h"
#include "grammar/json_schema.h"
#include "grammar/schema_keywords.h"
#include "server/api_error.h"

namespace troika::server {
namespace {

constexpr size_t kMostTools = 128;
// Of what a whole grammar may use, a tool that need not be enforced leaves something to the others.
constexpr grammar::Limits kOneTool = {.nfa_states = 250'000, .states = 25'000, .work = 15'000'000};

bool is_function_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") ==
             name.npos;
}

void require_function_type(const Fields& fields) {
  fields.required("type");
  fields.choice("type", {"function"});
}

Tool read_tool(const Json& source, const std::string& path) {
  const Fields tool(source, path);
  require_function_type(tool);
  const Fields function(tool.required("function"), tool.path("function"));
  function.required("name");
  Tool result{.name = *function.string("name"),
              .strict = function.boolean("strict").value_or(false),
              .path = function.path("parameters"),
              .source = source};
  if (!is_function_name(result.name))
    refuse(function.path("name"), "{} must have 1 to 64 letters, digits, _, - or dots.",
           function.path("name"));
  function.string("description");
  const Json* parameters = function.find("parameters");
  if (parameters && !parameters->is_object())
    refuse(result.path, "{} must be a JSON schema, not {}.", result.path, kind_of(*parameters));
  // Without parameters a function takes none.
  result.parameters = parameters && !parameters->empty()
                          ? *parameters
                          : Json{{"type", "object"}, {"additionalProperties", false}};
  return result;
}

Tool& find_tool(std::vector<Tool>& tools, const Fields& choice) {
  require_function_type(choice);
  const Fields function(choice.required("function"), choice.path("function"));
  function.required("name");
  const std::string name = *function.string("name");
  const auto found = std::ranges::find(tools, name, &Tool::name);
  if (found == tools.end())
    refuse(function.path("name"), "{} is '{}', which is none of the tools.", function.path("name"),
           shown(name));
  return *found;
}

// Only these may be called.
void allow_only(std::vector<Tool>& tools, const std::vector<Tool*>& allowed) {
  for (Tool& tool : tools) tool.allowed = std::ranges::find(allowed, &tool) != allowed.end();
}

void read_choice(const Json& choice, ToolRequest& request) {
  const Fields fields(choice, "tool_choice");
  fields.required("type");
  if (*fields.choice("type", {"function", "allowed_tools"}) == "function") {
    request.choice = ToolRequest::Choice::required;
    request.parallel = false;  // a call that is asked for by name is made once
    return allow_only(request.tools, {&find_tool(request.tools, fields)});
  }
  const Fields set(fields.required("allowed_tools"), "tool_choice.allowed_tools");
  set.required("mode");
  const bool must = *set.choice("mode", {"auto", "required"}) == "required";
  request.choice = must ? ToolRequest::Choice::required : ToolRequest::Choice::automatic;
  const Json& list = set.required("tools");
  if (!list.is_array() || list.empty())
    refuse(set.path("tools"), "{} must be a list of tools.", set.path("tools"));
  std::vector<Tool*> allowed;
  for (size_t i = 0; i < list.size(); ++i)
    allowed.push_back(
        &find_tool(request.tools, Fields(list[i], fmt::format("{}[{}]", set.path("tools"), i))));
  allow_only(request.tools, allowed);
}

// For templates without tools.
std::string describe_tools(const ToolRequest& request) {
  std::string text = "You can call these functions:\n";
  for (const Tool& tool : request.tools)
    text += tool.source["function"].dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  text +=
      "To call a function, answer with nothing but JSON of this form, without code fences:\n"
      "{\"name\": \"function\", \"arguments\": {\"argument\": \"value\"}}\n";
  if (request.parallel) text += "To call several, write one such object per line. ";
  text += request.choice == ToolRequest::Choice::required ? "You must call a function now."
                                                          : "If you need no function, answer in plain words.";
  return text;
}

std::string text_of(const Json& content) {
  if (content.is_string()) return content;
  std::string text;
  for (const Json& part : content) text += part.value("text", "");
  return text;
}

// Calls as the words they were written in; results as the user's words.
void write_out_calls(Json& messages) {
  Json result = Json::array();
  bool after_result = false;
  for (Json& message : messages) {
    if (message.contains("tool_calls")) {
      std::string text = text_of(message.value("content", Json("")));
      for (const Json& call : message["tool_calls"]) {
        const Json& function = call["function"];
        text += fmt::format("{}{}", text.empty() ? "" : "\n",
                            Json{{"name", function["name"]}, {"arguments", function["arguments"]}}.dump());
      }
      message.erase("tool_calls");
      message["content"] = text;
    }
    const bool is_result = message["role"] == "tool";
    if (is_result) {
      const std::string text = fmt::format("Result of the function: {}", text_of(message["content"]));
      if (after_result) {  // roles must alternate: the results of several calls are one message
        Json& last = result.back()["content"];
        last = last.get<std::string>() + "\n" + text;
        continue;
      }
      message = {{"role", "user"}, {"content", text}};
    }
    after_result = is_result;
    result.push_back(std::move(message));
  }
  messages = std::move(result);
}

// Compiles the arguments by themselves, and takes what they need from `left`: what is too large for the whole
// is found here, where the tool can be named.
void try_out(const grammar::Rules& rules, grammar::Expr arguments, bool strict, grammar::Limits& left) {
  grammar::Limits own = left;
  if (!strict) {
    own.nfa_states = std::min(own.nfa_states, kOneTool.nfa_states);
    own.states = std::min(own.states, kOneTool.states);
    own.work = std::min(own.work, kOneTool.work);
  }
  grammar::Budget budget(own);
  try {
    grammar::compile(rules, arguments, budget);
  } catch (const Error&) {
    left.work -= own.work - budget.left().work;
    throw;
  }
  const grammar::Limits rest = budget.left();
  left.work -= own.work - rest.work;
  left.states -= own.states - rest.states;
  left.nfa_states -= own.nfa_states - rest.nfa_states;
}

}  // namespace

ToolForm tool_form(std::string_view chat_template) {
  return chat_template.find(kCallBegin) != chat_template.npos ? ToolForm::hermes : ToolForm::plain;
}

ToolRequest read_tools(const Fields& fields) {
  ToolRequest request;
  request.parallel = fields.boolean("parallel_tool_calls").value_or(true);
  if (const Json* tools = fields.find("tools")) {
    if (!tools->is_array()) refuse("tools", "tools must be an array, not {}.", kind_of(*tools));
    if (tools->size() > kMostTools)
      refuse("tools", "tools must have at most {} tools, not {}.", kMostTools, tools->size());
    for (size_t i = 0; i < tools->size(); ++i) {
      request.tools.push_back(read_tool((*tools)[i], fmt::format("tools[{}]", i)));
      const bool twice = std::ranges::count(request.tools, request.tools.back().name, &Tool::name) > 1;
      if (twice)
        refuse(fmt::format("tools[{}].function.name", i), "Two tools are named '{}'.",
               request.tools.back().name);
    }
  }
  if (!request.tools.empty()) request.choice = ToolRequest::Choice::automatic;
  const Json* choice = fields.find("tool_choice");
  if (!choice) return request;
  if (choice->is_string()) {
    const std::string word = *fields.choice("tool_choice", {"none", "auto", "required"});
    if (word == "required" && request.tools.empty())
      refuse("tool_choice", "tool_choice is required, but there are no tools.");
    if (word == "none") request.choice = ToolRequest::Choice::none;
    if (word == "required") request.choice = ToolRequest::Choice::required;
  } else {
    read_choice(*choice, request);
  }
  return request;
}

void present_tools(const ToolRequest& request, std::string_view chat_template, Json& variables) {
  Json& messages = variables["messages"];
  if (chat_template.find("tools") != chat_template.npos) {
    if (!request.active()) return;
    Json& list = variables["tools"] = Json::array();
    for (const Tool& tool : request.tools) list.push_back(tool.source);
    return;
  }
  if (chat_template.find("tool_calls") == chat_template.npos) write_out_calls(messages);
  if (!request.active()) return;
  const std::string words = describe_tools(request);
  if (messages[0]["role"] == "system") {
    messages[0]["content"] = text_of(messages[0]["content"]) + "\n\n" + words;
  } else {
    messages.insert(messages.begin(), Json{{"role", "system"}, {"content", words}});
  }
}

grammar::Expr call_rules(const ToolRequest& request, ToolForm form, grammar::Rules& rules,
                         const grammar::JsonRules& json, std::vector<std::string>& unenforced) {
  using grammar::Expr;
  const auto member = [&](std::string_view name) {
    return rules.sequence({rules.bytes(name), rules.bytes(":"), json.space});
  };
  Expr arguments_key = member("\"arguments\"");
  if (form == ToolForm::plain) arguments_key = rules.choice({arguments_key, member("\"parameters\"")});
  std::vector<Expr> tools;
  grammar::Limits left;
  for (const Tool& tool : request.tools) {
    if (!tool.allowed) continue;
    Expr arguments = json.object;
    try {
      grammar::check_schema(tool.parameters);
      const Json parameters = grammar::merge_schemas(Json{{"type", "object"}}, tool.parameters, "");
      const Expr enforced = grammar::json_schema(rules, json, parameters);
      try_out(rules, enforced, tool.strict, left);
      arguments = enforced;
    } catch (const InternalError&) {
      throw;
    } catch (const Error& error) {
      if (tool.strict)
        throw ApiError(400, "invalid_request_error", fmt::format("{}: {}.", tool.path, error.what()),
                       tool.path, "invalid_json_schema");
      unenforced.push_back(fmt::format("{}: {}", tool.path, error.what()));
    }
    tools.push_back(rules.sequence({rules.bytes("{"), json.space, member("\"name\""),
                                    rules.bytes(fmt::format("\"{}\"", tool.name)), rules.bytes(","),
                                    json.space, arguments_key, arguments, json.space, rules.bytes("}")}));
  }
  Expr call = rules.choice(std::move(tools));
  Expr separator = json.space;
  if (form == ToolForm::hermes) {
    call = rules.sequence({rules.bytes(kCallBegin), json.space, call, json.space, rules.bytes(kCallEnd)});
  } else {
    separator = rules.bytes("\n");
  }
  if (!request.parallel) return call;
  return rules.sequence({call, rules.repeat(rules.sequence({separator, call}), 0)});
}

}  // namespace troika::server
