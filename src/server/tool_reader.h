// Tools and the choice among them, as each API writes them. A name that is given twice, a choice that is none of
// the tools, and a schema that is none are refused at their places.
#pragma once

#include "server/json_input.h"
#include "server/tools.h"

namespace troika::server {

// OpenAI's chat: {"type": "function", "function": {name, description, parameters, strict}}; `tool_choice`,
// `parallel_tool_calls`.
ToolRequest read_chat_tools(const Fields& fields);

// Ollama's: the same tools, and no choice.
ToolRequest read_ollama_tools(const Fields& fields);

// OpenAI's Responses: the members of the function beside its type; the choice likewise.
ToolRequest read_response_tools(const Fields& fields);

// Anthropic's: {name, description, input_schema, strict}; `tool_choice` of auto, any, tool or none.
ToolRequest read_anthropic_tools(const Fields& fields);

}  // namespace troika::server
