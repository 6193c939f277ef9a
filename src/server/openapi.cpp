// GET /openapi.json: the routes and the fields of their bodies, from the tables that answer requests.
#include <algorithm>
#include <cctype>

#include "server/answer_json.h"
#include "server/api_schemas.h"
#include "server/native.h"
#include "server/routes.h"

namespace troika::server {
namespace {

// "string or array" → "string", or ["string", "array"] where there are several.
Json types_of(std::string_view types) {
  Json list = Json::array();
  for (size_t begin = 0; begin < types.size();) {
    const size_t end = std::min(types.find(" or ", begin), types.size());
    list.push_back(types.substr(begin, end - begin));
    begin = end + 4;
  }
  return list.size() == 1 ? list[0] : list;
}

std::string describe(const Field& field) {
  switch (field.use) {
    case Use::honoured:
      return std::string(field.note);
    case Use::accepted:
      return fmt::format("Accepted without effect: {}.", field.note);
    case Use::refused:
      break;
  }
  std::string text = "Refused";
  if (!field.neutral.empty()) text += fmt::format(", unless it is one of {}", field.neutral);
  return field.note.empty() ? text + "." : fmt::format("{}: {}.", text, field.note);
}

Json describe(const Schema& schema) {
  Json properties = Json::object(), required = Json::array();
  for (const auto& table : {schema.own, schema.shared}) {
    for (const Field& field : table) {
      Json& property = properties[std::string(field.name)] = {{"type", types_of(field.type)},
                                                              {"description", describe(field)}};
      // A client that is generated from this should not offer what is refused.
      if (field.use == Use::refused) property["deprecated"] = true;
      if (field.required) required.push_back(field.name);
    }
  }
  Json result = {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", true}};
  if (!required.empty()) result["required"] = std::move(required);
  return result;
}

Json reference(std::string_view name) {
  Json result = Json::object();
  result["$ref"] = fmt::format("#/components/schemas/{}", name);
  return result;
}

constexpr std::string_view name_of(Role role) {
  switch (role) {
    case Role::open:
      return "open";
    case Role::user:
      return "user";
    case Role::admin:
      break;
  }
  return "admin";
}

constexpr std::string_view error_schema(ErrorStyle style) {
  switch (style) {
    case ErrorStyle::openai:
      return "Error";
    case ErrorStyle::anthropic:
      return "AnthropicError";
    case ErrorStyle::ollama:
      break;
  }
  return "OllamaError";
}

Json describe(const Route& route) {
  Json operation = {{"summary", route.summary}, {"x-troika-role", name_of(route.role)}};
  if (route.path.size() > 1 && route.path.ends_with('/'))
    operation["parameters"] = Json::array({{{"name", "id"},
                                            {"in", "path"},
                                            {"required", true},
                                            {"schema", {{"type", "string"}}}}});
  if (route.body) {
    Json content = Json::object();
    content["application/json"]["schema"] = reference(route.body->name);
    operation["requestBody"] = {{"required", true}, {"content", std::move(content)}};
  }
  Json& responses = operation["responses"] = Json::object();
  responses["200"]["description"] = "The answer";
  responses["default"]["description"] = "An error";
  responses["default"]["content"]["application/json"]["schema"] = reference(error_schema(route.errors));
  if (route.role == Role::open) operation["security"] = Json::array();
  return operation;
}

Json object_of(Json properties) { return {{"type", "object"}, {"properties", std::move(properties)}}; }

Json errors() {
  const Json text = {{"type", "string"}}, maybe = {{"type", Json::array({"string", "null"})}};
  Json result = Json::object();
  result["Error"] = object_of(
      {{"error", object_of({{"message", text}, {"type", text}, {"param", maybe}, {"code", maybe}})}});
  result["AnthropicError"] = object_of(
      {{"type", text}, {"error", object_of({{"type", text}, {"message", text}})}, {"request_id", maybe}});
  result["OllamaError"] = object_of(Json::object({{"error", text}}));
  return result;
}

std::string path_of(const Route& route) {
  std::string path(route.path);
  if (path.size() > 1 && path.ends_with('/')) path += "{id}";
  return path;
}

}  // namespace

Reply openapi(const Models&, const HttpRequest&, std::string_view) {
  Json paths = Json::object(), schemas = errors();
  schemas[std::string(kOllamaOptionsSchema.name)] = describe(kOllamaOptionsSchema);
  for (const Route& route : all_routes()) {
    std::string method(route.method);
    std::ranges::transform(method, method.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    paths[path_of(route)][method] = describe(route);
    if (route.body) schemas[std::string(route.body->name)] = describe(*route.body);
  }
  Json body = {
      {"openapi", "3.1.0"},
      {"info",
       {{"title", "Troika"},
        {"version", TROIKA_VERSION},
        {"description", "Paths outside /api work with and without /v1 in front."}}},
      {"paths", std::move(paths)},
      {"components",
       {{"schemas", std::move(schemas)},
        {"securitySchemes", {{"key", {{"type", "http"}, {"scheme", "bearer"}}}}}}}};
  return {.body = dump(body)};
}

}  // namespace troika::server
