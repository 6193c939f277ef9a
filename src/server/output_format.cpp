#include "server/output_format.h"

#include <optional>

#include "grammar/ebnf.h"
#include "grammar/json_schema.h"
#include "grammar/regex.h"
#include "server/api_error.h"

namespace troika::server {
namespace {

using Kind = OutputFormat::Kind;

constexpr size_t kMostChoices = 10'000;

// Fields that say it all by themselves.
struct Row {
  std::string_view field;
  Kind kind;
};
constexpr Row kFields[] = {
    {"json_schema", Kind::json_schema}, {"grammar", Kind::ebnf},        {"guided_json", Kind::json_schema},
    {"guided_regex", Kind::regex},      {"guided_grammar", Kind::ebnf}, {"guided_choice", Kind::choice},
};
constexpr Row kStructuredOutputs[] = {
    {"json", Kind::json_schema},
    {"regex", Kind::regex},
    {"grammar", Kind::ebnf},
    {"choice", Kind::choice},
};

Json read_value(const Fields& fields, std::string_view name, Kind kind) {
  const Json& value = fields.required(name);
  switch (kind) {
    case Kind::json_schema:
      if (value.is_string()) return parse_json(value.get_ref<const std::string&>());
      if (!value.is_object() && !value.is_boolean())
        refuse(fields.path(name), "{} must be a JSON schema, not {}.", fields.path(name), kind_of(value));
      return value;
    case Kind::ebnf:
    case Kind::regex:
      return *fields.string(name);
    case Kind::choice:
      if (!value.is_array() || value.empty() || value.size() > kMostChoices)
        refuse(fields.path(name), "{} must be a list of 1 to {} strings.", fields.path(name), kMostChoices);
      for (const Json& item : value) {
        if (!item.is_string()) refuse(fields.path(name), "{} must hold strings only.", fields.path(name));
      }
      return value;
    case Kind::text:
    case Kind::json_object:
      break;
  }
  return nullptr;
}

void check_name(const Fields& schema) {
  schema.required("name");
  const std::string name = *schema.string("name");
  const bool valid =
      !name.empty() && name.size() <= 64 &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == name.npos;
  if (!valid)
    refuse(schema.path("name"), "{} must have 1 to 64 letters, digits, _ or -.", schema.path("name"));
}

std::string read_type(const Fields& format) {
  format.required("type");
  return *format.choice("type", {"text", "json_object", "json_schema"});
}

// OpenAI's {name, schema, strict, description}.
OutputFormat read_named_schema(const Fields& schema) {
  check_name(schema);
  schema.boolean("strict");
  schema.string("description");
  return read_schema_format(schema, "schema");
}

OutputFormat read_response_format(const Fields& format) {
  const std::string type = read_type(format);
  if (type == "text") return {};
  if (type == "json_schema" && format.find("json_schema"))
    return read_named_schema(Fields(*format.find("json_schema"), format.path("json_schema")));
  // llama.cpp takes the schema beside the type.
  if (format.find("schema")) return read_schema_format(format, "schema");
  if (type == "json_schema") format.required("json_schema");
  return {.kind = Kind::json_object, .path = format.path("type")};
}

}  // namespace

OutputFormat read_output_format(const Fields& fields) {
  OutputFormat format;
  auto set = [&](OutputFormat found) {
    if (found.free()) return;
    if (!format.free())
      refuse(found.path, "{} and {} both say what the answer must be; give one of them.", format.path,
             found.path);
    format = std::move(found);
  };
  auto read_row = [&](const Fields& from, const Row& row) {
    const Json* value = from.find(row.field);
    if (!value || *value == "") return;
    set({.kind = row.kind, .value = read_value(from, row.field, row.kind), .path = from.path(row.field)});
  };
  if (const Json* value = fields.find("response_format"))
    set(read_response_format(Fields(*value, "response_format")));
  for (const Row& row : kFields) read_row(fields, row);
  if (const Json* value = fields.find("structured_outputs")) {
    const Fields members(*value, "structured_outputs");
    for (const auto& [name, member] : value->items()) {
      const bool known =
          std::ranges::any_of(kStructuredOutputs, [&](const Row& row) { return row.field == name; });
      if (!known && !member.is_null())
        refuse(members.path(shown(name)),
               "{} is not supported; structured_outputs may hold json, regex, grammar or choice.",
               members.path(shown(name)));
    }
    for (const Row& row : kStructuredOutputs) read_row(members, row);
  }
  return format;
}

OutputFormat read_text_format(const Fields& format) {
  const std::string type = read_type(format);
  if (type == "text") return {};
  if (type == "json_object") return {.kind = Kind::json_object, .path = format.path("type")};
  return read_named_schema(format);
}

OutputFormat read_ollama_format(const Fields& fields) {
  const Json* format = fields.find("format");
  if (!format || *format == "") return {};
  if (*format == "json") return {.kind = Kind::json_object, .path = "format"};
  if (format->is_string()) fields.choice("format", {"json"});
  if (!format->is_object())
    refuse("format", "format must be \"json\" or a JSON schema, not {}.", kind_of(*format));
  return read_schema_format(fields, "format");
}

OutputFormat read_schema_format(const Fields& fields, std::string_view name) {
  return {.kind = Kind::json_schema,
          .value = read_value(fields, name, Kind::json_schema),
          .path = fields.path(name)};
}

grammar::Expr format_rules(const OutputFormat& format, grammar::Rules& rules,
                           const grammar::JsonRules& json) {
  switch (format.kind) {
    case Kind::json_object:
      return json.object;
    case Kind::json_schema:
      return grammar::json_schema(rules, json, format.value);
    case Kind::ebnf:
      return grammar::ebnf(rules, format.value.get_ref<const std::string&>());
    case Kind::regex:
      return grammar::regex(rules, format.value.get_ref<const std::string&>());
    case Kind::choice: {
      std::vector<grammar::Expr> ways;
      for (const Json& item : format.value) ways.push_back(rules.bytes(item.get_ref<const std::string&>()));
      return rules.choice(std::move(ways));
    }
    case Kind::text:
      break;
  }
  return rules.empty();
}

}  // namespace troika::server
