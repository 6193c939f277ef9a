// From a template's text to its syntax tree.
#pragma once

#include <string_view>

#include "text/jinja_syntax.h"

namespace troika::text::jinja {

// Throws Error with the line; nesting is bounded, so no source can exhaust the stack.
Template parse(std::string_view source);

}  // namespace troika::text::jinja
