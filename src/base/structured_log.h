// Logs for machines: each line a JSON object, with what a line is about in fields of its own.
#pragma once

#include <initializer_list>
#include <string_view>
#include <variant>

#include "base/log.h"

namespace troika::log {

// From now on lines are objects with time (RFC 3339, UTC), level and message. After set_up.
void write_json();

struct Field {
  std::string_view name;
  std::variant<std::string_view, int64_t, double> value;
};

// A line that says it all in words; as JSON it has the fields besides.
void note(level::level_enum level, std::initializer_list<Field> fields, std::string_view message);

}  // namespace troika::log
