// Values as text: the way {{ }} prints them (Python's str), the way they look inside lists (repr), and as
// JSON. All writers append to `out` and charge the meter as they go.
#pragma once

#include <string>

#include "text/jinja_value.h"

namespace troika::text::jinja {

void print(Meter& meter, const Value& value, std::string& out);
std::string to_text(Meter& meter, const Value& value);
void print_repr(Meter& meter, const Value& value, std::string& out);
std::string print_real(double value);  // the shortest digits that read back, in Python's layout

// json.dumps
struct JsonStyle {
  bool ascii = false;
  bool sort_keys = false;
  bool indented = false;
  std::string indent;          // of one level
  std::string between = ", ";  // items; without the newline of the indented form
  std::string after_key = ": ";
};
void print_json(Meter& meter, const Value& value, const JsonStyle& style, std::string& out);

}  // namespace troika::text::jinja
