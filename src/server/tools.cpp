#include "server/tools.h"

#include <algorithm>

#include "grammar/automaton.h"
#include "grammar/json_schema.h"
#include "grammar/schema_keywords.h"
#include "server/api_error.h"

namespace troika::server {
namespace {

// Of what a whole grammar may use, a tool that need not be enforced leaves something to the others.
constexpr grammar::Limits kOneTool = {.nfa_states = 250'000, .states = 25'000, .work = 15'000'000};

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

Json parts_of(Json content) {
  if (content.is_array()) return content;
  return Json::array({{{"type", "text"}, {"text", std::move(content)}}});
}

void append(Json& content, Json more) {
  if (content.is_string() && more.is_string()) {
    content.get_ref<std::string&>().append("\n").append(more.get_ref<const std::string&>());
    return;
  }
  if (content.is_string()) content.get_ref<std::string&>().append("\n");
  content = parts_of(std::move(content));
  for (Json& part : parts_of(std::move(more))) content.push_back(std::move(part));
}

// Calls as the words they were written in; results as the user's words. Roles must alternate: the results of
// several calls, and what the user says to them, are one message.
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
    if (is_result)
      message = {{"role", "user"},
                 {"content", fmt::format("Result of the function: {}", text_of(message["content"]))}};
    const bool joins = after_result && message["role"] == "user";
    after_result = is_result;
    if (joins) {
      append(result.back()["content"], std::move(message["content"]));
    } else {
      result.push_back(std::move(message));
    }
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
