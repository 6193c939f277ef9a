// + - * / // % ** on values, as Python defines them; whole numbers that leave int64 are errors.
#pragma once

#include "text/jinja_builtins.h"
#include "text/jinja_syntax.h"

namespace troika::text::jinja {

Value apply(Machine& machine, BinaryOperator op, const Value& left, const Value& right);
Value negate(const Value& value);

}  // namespace troika::text::jinja
