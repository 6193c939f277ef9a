// The tools of a request: which functions the model may call, whether it must, and in what words it does.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/json_rules.h"
#include "grammar/rules.h"
#include "server/json_input.h"

namespace troika::server {

// How a model writes a call.
enum class ToolForm {
  hermes,  // <tool_call>\n{"name": …, "arguments": {…}}\n</tool_call>, as Qwen's templates teach
  plain,   // {"name": …, "arguments": {…}} as the whole answer: templates that teach no form, or Llama's
};
ToolForm tool_form(std::string_view chat_template);

inline constexpr std::string_view kCallBegin = "<tool_call>", kCallEnd = "</tool_call>";

struct Tool {
  std::string name;
  Json parameters;  // a schema
  bool strict = false;
  bool allowed = true;  // false: shown to the model, but not to be called now
  std::string path;     // "tools[0].function.parameters"
  Json source;          // for the template, in the form of OpenAI's chat
};

struct ToolRequest {
  enum class Choice { none, automatic, required };

  std::vector<Tool> tools;
  Choice choice = Choice::none;
  bool parallel = true;

  bool active() const { return choice != Choice::none; }
};

// Gives the template what it needs: `tools`, or, where it knows no tools, words about them in the system's
// message, and earlier calls and their results as plain text.
void present_tools(const ToolRequest& request, std::string_view chat_template, Json& variables);

// Calls of these tools, one or more. Adds to `unenforced` a sentence for each tool whose schema cannot be
// enforced, and that does not ask to be strict: its arguments are any object. Throws ApiError for those that
// do.
grammar::Expr call_rules(const ToolRequest& request, ToolForm form, grammar::Rules& rules,
                         const grammar::JsonRules& json, std::vector<std::string>& unenforced);

}  // namespace troika::server
