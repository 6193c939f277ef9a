// Regular expressions as a front end: JavaScript's syntax as far as it is regular. What would need to look
// around or back (backreferences, lookaheads, word borders) is refused by name. Lazy quantifiers match the
// same texts as greedy ones and are taken for them.
#pragma once

#include <string_view>

#include "grammar/rules.h"

namespace troika::grammar {

struct RegexOptions {
  // How one character of a set is written in the text; by default as itself. In a string of JSON some are
  // escaped.
  Expr (*spell)(Rules&, const CharSet&) = nullptr;
  bool anywhere = false;  // a text matches when a part of it does, unless ^ and $ say otherwise
};

// Throws Error that says where in the pattern what is wrong.
Expr regex(Rules& rules, std::string_view pattern, const RegexOptions& options = {});

}  // namespace troika::grammar
