// JSON schemas as a front end. What is generated validates, and may be narrower than the schema: members come
// in the order of `properties`, strings use few escapes, numbers have at most 15 digits.
// docs/structured-output.md has the table of keywords.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "grammar/json_rules.h"
#include "grammar/rules.h"
#include "grammar/schema_merge.h"

namespace troika::grammar {

// A value of the schema. Throws SchemaError for what we cannot honour.
Expr json_schema(Rules& rules, const JsonRules& json, const nlohmann::ordered_json& schema);

}  // namespace troika::grammar
