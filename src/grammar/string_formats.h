// The formats that a schema may ask of a string, each as a regular expression. They are exact or narrower
// than the standards they are named by: what they match is always of the format.
#pragma once

#include <string>
#include <string_view>

namespace troika::grammar {

std::string_view string_format(std::string_view name);  // "" when it is not known
std::string known_string_formats();                     // "date, time, …"

}  // namespace troika::grammar
