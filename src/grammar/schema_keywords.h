// The keywords of JSON schema: which we honour, which only describe, and which we refuse, each with the kind
// of value that it must have. What is not in the table is refused too: a rule that is passed over in silence
// is not kept.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace troika::grammar {

// Checks a whole document. Throws SchemaError.
void check_schema(const nlohmann::ordered_json& root);

// "/properties/a~1b" from "/properties" and "a/b".
std::string below(const std::string& pointer, const std::string& member);

}  // namespace troika::grammar
