// What an answer must be, as far as a request says: any text, JSON, JSON of a schema, or text of a grammar, a
// regular expression or a list. OpenAI's response_format and text.format, Anthropic's and Ollama's formats,
// llama.cpp's `grammar` and `json_schema`, vLLM's `guided_…` and `structured_outputs` all end here.
#pragma once

#include <string>

#include "grammar/json_rules.h"
#include "grammar/rules.h"
#include "server/json_input.h"

namespace troika::server {

struct OutputFormat {
  enum class Kind { text, json_object, json_schema, ebnf, regex, choice };

  Kind kind = Kind::text;
  Json value;        // the schema, the source of the grammar or expression, the list
  std::string path;  // of the field that says so

  bool free() const { return kind == Kind::text; }
};

// Throws ApiError when the request asks for two formats at once, or wrongly for one.
OutputFormat read_output_format(const Fields& fields);

// Responses' text.format: {"type": "json_schema", name, schema, strict}, json_object or text.
OutputFormat read_text_format(const Fields& format);

// Ollama's `format`: "json", a schema, or "" for text.
OutputFormat read_ollama_format(const Fields& fields);

// The member `name`, a schema.
OutputFormat read_schema_format(const Fields& fields, std::string_view name);

// What the format matches; not for free text. Throws Error, grammar::SchemaError among them.
grammar::Expr format_rules(const OutputFormat& format, grammar::Rules& rules, const grammar::JsonRules& json);

}  // namespace troika::server
