// Cuts a template into tokens. All of Jinja's rules about white space around tags (trim_blocks and
// lstrip_blocks on, the signs - and +, raw blocks, comments) are settled here: the parser sees text exactly
// as it will be printed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_value.h"

namespace troika::text::jinja {

enum class TokenKind { text, block_begin, block_end, print_begin, print_end, name, constant, op, end };

struct Token {
  TokenKind kind;
  int line;
  std::string text;  // of a text, a name or an operator
  Value value;       // of a constant: a string or a number
};

// The last token is always `end`. Throws Error with the line.
std::vector<Token> tokenize(std::string_view source);

// A syntax error, with its place.
[[noreturn]] void fail_at(int line, std::string_view what);

}  // namespace troika::text::jinja
