// Text from models and from files that may be hostile, made safe for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace troika::apps {

// `utf8` without control characters (C0 but newline and tab, DEL, C1): it may hold escape sequences. Whole
// characters only.
std::string printable(std::string_view utf8);

}  // namespace troika::apps
