// Two JSON schemas as one that asks for both: what allOf, and keywords beside $ref and anyOf, mean.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/error.h"

namespace troika::grammar {

using Json = nlohmann::ordered_json;

// A schema that we cannot honour, and the place in it: a JSON pointer such as "/properties/age/not".
class SchemaError : public Error {
 public:
  SchemaError(std::string pointer, const std::string& why)
      : Error("at " + (pointer.empty() ? "the root" : pointer.substr(0, 200)) + ": " + why),
        pointer(std::move(pointer)) {}

  std::string pointer;
};

// `at`: where both stand. Throws SchemaError where no schema says both.
Json merge_schemas(const Json& a, const Json& b, const std::string& at);

// About how many bytes of JSON may come of merging them.
size_t merged_bytes(const Json& a, const Json& b);

// What a $ref within `root` leads to. Throws SchemaError when it leads nowhere, or to another document.
const Json& resolve_reference(const Json& root, const std::string& reference, const std::string& at);

// Whether the schema's `type` allows this one; a schema without `type` allows all.
bool allows_type(const Json& schema, std::string_view type);

// The type of a value: "object", "array", "string", "integer", "number", "boolean" or "null".
std::string_view type_of(const Json& value);

}  // namespace troika::grammar
