// Looking into values: attributes, subscripts, slices, iteration and membership. Only data and the methods of
// the tables can be reached; everything else, __class__ and its kin included, is undefined.
#pragma once

#include "text/jinja_builtins.h"

namespace troika::text::jinja {

Value attribute(Machine& machine, const Value& owner, std::string_view name);
Value item(Machine& machine, const Value& owner, const Value& key);
// owner[start:stop:step]; bounds may be none or missing.
Value slice(Machine& machine, const Value& owner, const Value& start, const Value& stop, const Value& step);
// "a.b.0": the way filters name what they look at. Missing: the value itself.
Value path(Machine& machine, const Value& owner, const Value& dotted);

// What a loop over the value yields: a list itself, a dict's keys, a string's characters, nothing for
// undefined.
Value as_list(Machine& machine, const Value& value);
bool contains(Machine& machine, const Value& container, const Value& item);
int64_t length(Machine& machine, const Value& value);

}  // namespace troika::text::jinja
