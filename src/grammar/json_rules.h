// JSON's own grammar: what any schema is made of. White space is what models write, and bounded, so that none
// can go on for ever: nothing, a blank, or a line break and its indentation, behind { [ , : and before ] }.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "grammar/rules.h"

namespace troika::grammar {

// Rules that are the same in every grammar.
struct JsonRules {
  explicit JsonRules(Rules& rules);

  Expr space, string, number, integer, value, object, array;  // calls
};

// A character of the set as it stands in a string of JSON.
Expr json_character(Rules& rules, const CharSet& set);

// Exactly this value, in its shortest form.
Expr json_literal(Rules& rules, const nlohmann::ordered_json& value);

}  // namespace troika::grammar
