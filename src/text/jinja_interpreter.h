// Renders a syntax tree.
#pragma once

#include <string>

#include "text/jinja_builtins.h"
#include "text/jinja_syntax.h"

namespace troika::text::jinja {

// Throws RaisedByTemplate when the template refuses, else Error with the line that went wrong.
std::string render(const Template& source, const Dict& variables, const RenderLimits& limits);

}  // namespace troika::text::jinja
