#include "server/api_fields.h"

#include <algorithm>

#include "server/api_error.h"

namespace troika::server {
namespace {

constexpr size_t kMostNamed = 20;    // fields in the header
constexpr size_t kLongestName = 128;  // bytes of each

bool asks_for_nothing(const Json& value, std::string_view neutral) {
  const std::string text = value.dump(-1, ' ', true);
  return fmt::format(" {} ", neutral).find(fmt::format(" {} ", text)) != std::string::npos;
}

// `type` as in Field: "string or array".
bool has_type(const Json& value, std::string_view type) {
  const std::string_view kind = value.is_string()    ? "string"
                                : value.is_boolean() ? "boolean"
                                : value.is_array()   ? "array"
                                : value.is_object()  ? "object"
                                                     : "number";
  const bool integral = value.is_number() && as_integer(value);
  return type.find(kind) != type.npos || (integral && type.find("integer") != type.npos);
}

void check_field(const Fields& fields, const Field& row) {
  if (row.use == Use::honoured) return;
  const Json* value = fields.find(row.name);
  if (!value) return;
  const std::string path = fields.path(row.name);
  if (row.use == Use::accepted) {
    if (!has_type(*value, row.type)) refuse(path, "{} must be of type {}, not {}.", path, row.type, kind_of(*value));
    return;
  }
  if (asks_for_nothing(*value, row.neutral)) return;
  refuse_unsupported(path, path);
}

bool has_row(const Schema& schema, std::string_view name) {
  const auto in = [name](std::span<const Field> rows) { return std::ranges::find(rows, name, &Field::name) != rows.end(); };
  return in(schema.own) || in(schema.shared);
}

// Nobody may come before those whom the key file puts before him.
int read_priority(const Fields& fields, const Schema& schema, const Caller& caller) {
  if (!has_row(schema, "priority")) return caller.priority;
  const auto wanted = fields.integer("priority", -kMostPriority, kMostPriority);
  if (wanted && *wanted < caller.priority && !caller.name.empty())
    refuse("priority", "priority: {} is before what the key '{}' may ask for, which is {} and later (higher numbers).", *wanted,
           caller.name, caller.priority);
  return int(wanted.value_or(caller.priority));
}

}  // namespace

Asked::Asked(const HttpRequest& http, const Schema& schema)
    : http(http),
      json(parse_json(http.body)),
      fields(json),
      caller(http.caller.name),
      priority(read_priority(fields, schema, http.caller)) {
  check_fields(fields, schema);
}

void check_fields(const Fields& fields, const Schema& schema) {
  for (const Field& row : schema.own) check_field(fields, row);
  for (const Field& row : schema.shared) check_field(fields, row);
}

std::string fit_for_header(std::string name) {
  name.resize(std::min(name.size(), kLongestName));
  std::ranges::replace_if(name, [](unsigned char c) { return c <= 0x20 || c >= 0x7f || c == ','; }, '?');
  return name;
}

void name_ignored(const std::vector<std::string>& paths, Reply& reply) {
  if (paths.empty()) return;
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(paths.size(), kMostNamed); ++i) names.push_back(fit_for_header(paths[i]));
  if (paths.size() > kMostNamed) names.push_back(fmt::format("and {} more", paths.size() - kMostNamed));
  reply.headers.emplace_back("X-Troika-Ignored-Fields", fmt::format("{}", fmt::join(names, ", ")));
}

}  // namespace troika::server
