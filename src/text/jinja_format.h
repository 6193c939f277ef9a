// Python's two ways to fill in text.
#pragma once

#include "text/jinja_builtins.h"

namespace troika::text::jinja {

// "%s and %d" % arguments: a tuple, one value, or a dict for %(name)s.
Value format_percent(Machine& machine, std::string_view format, const Value& arguments);

// "{} and {name}".format(...): the text is call.self; takes its arguments unbound.
Value format_braces(Call& call);

}  // namespace troika::text::jinja
