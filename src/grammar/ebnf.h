// Grammars in llama.cpp's notation (GBNF) as a front end:
//
//   root   ::= greeting " " name "!"     # a comment
//   name   ::= [A-Z] [a-z]{1,20} | "you"
//
// Literals, classes, groups, ., * + ? {m} {m,} {m,n}; the rule `root` is the whole text.
#pragma once

#include <string_view>

#include "grammar/rules.h"

namespace troika::grammar {

// Throws Error that names the line.
Expr ebnf(Rules& rules, std::string_view source);

}  // namespace troika::grammar
