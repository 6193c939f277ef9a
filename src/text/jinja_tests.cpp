// Tests: what may stand behind `is`.
#include "text/jinja_access.h"
#include "text/jinja_builtins.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_string.h"

namespace troika::text::jinja {

namespace {

template <Kind kind>
Value is_kind(Call& call) {
  return call.self.is(kind);
}
template <bool wanted>
Value is_exactly(Call& call) {
  return call.self.is(Kind::boolean) && call.self.boolean() == wanted;
}

Value is_defined(Call& call) { return !call.self.is(Kind::undefined); }
Value is_number(Call& call) { return call.self.is_number(); }
Value is_integer(Call& call) { return call.self.is(Kind::integer) || call.self.is(Kind::big); }
Value is_iterable(Call& call) {
  return call.self.is(Kind::list) || call.self.is(Kind::dict) || call.self.is(Kind::string) ||
         call.self.is(Kind::undefined);
}
Value is_sequence(Call& call) {  // has a length and can be subscripted; strings and dicts too, as in Jinja
  const Value& self = call.self;
  if (self.is(Kind::list)) return self.list().flavor <= ListFlavor::range;
  return self.is(Kind::string) || self.is(Kind::dict) || self.is(Kind::undefined);
}
Value is_callable(Call& call) {
  return call.self.is(Kind::builtin) || call.self.is(Kind::method) ||
         (call.self.is(Kind::object) && call.self.object()->is_callable());
}

Value is_equal(Call& call) { return equal(call.meter(), call.self, call[0]); }
Value is_unequal(Call& call) { return !equal(call.meter(), call.self, call[0]); }
Value is_less(Call& call) { return less(call.meter(), call.self, call[0]); }
Value is_greater(Call& call) { return less(call.meter(), call[0], call.self); }
Value is_at_most(Call& call) {
  return less(call.meter(), call.self, call[0]) || equal(call.meter(), call.self, call[0]);
}
Value is_at_least(Call& call) {
  return less(call.meter(), call[0], call.self) || equal(call.meter(), call.self, call[0]);
}
Value is_in(Call& call) { return contains(call.machine, call[0], call.self); }

double rest_of_division(Call& call, const Value& by) {
  if (call.self.is(Kind::string)) fail("a number is needed, not a string");
  return apply(call.machine, BinaryOperator::modulo, call.self, by).number();
}
Value is_even(Call& call) { return rest_of_division(call, 2) == 0; }
Value is_odd(Call& call) { return rest_of_division(call, 2) == 1; }
Value is_divisible(Call& call) { return rest_of_division(call, call[0]) == 0; }

// The same object, which for plain data means: the same kind and the same small value.
Value is_same(Call& call) {
  return call.self.kind() == call[0].kind() && equal(call.meter(), call.self, call[0]);
}

template <std::string (*change)(std::string_view)>
Value is_unchanged_by(Call& call) {
  std::string text = to_text(call.meter(), call.self);
  call.meter().make(2 * text.size());
  bool has_letter = upper(text) != lower(text);
  return has_letter && change(text) == text;
}

Value is_filter(Call& call) {
  return call.self.is(Kind::string) && find_filter(call.self.string()) != nullptr;
}
Value is_test(Call& call) { return call.self.is(Kind::string) && find_test(call.self.string()) != nullptr; }

constexpr Builtin kTests[] = {
    {"defined", "", 0, is_defined},
    {"undefined", "", 0, is_kind<Kind::undefined>},
    {"none", "", 0, is_kind<Kind::none>},
    {"string", "", 0, is_kind<Kind::string>},
    {"mapping", "", 0, is_kind<Kind::dict>},
    {"boolean", "", 0, is_kind<Kind::boolean>},
    {"float", "", 0, is_kind<Kind::real>},
    {"integer", "", 0, is_integer},
    {"number", "", 0, is_number},
    {"true", "", 0, is_exactly<true>},
    {"false", "", 0, is_exactly<false>},
    {"iterable", "", 0, is_iterable},
    {"sequence", "", 0, is_sequence},
    {"callable", "", 0, is_callable},
    {"equalto", "other", 1, is_equal},
    {"eq", "other", 1, is_equal},
    {"==", "other", 1, is_equal},
    {"ne", "other", 1, is_unequal},
    {"!=", "other", 1, is_unequal},
    {"lt", "other", 1, is_less},
    {"lessthan", "other", 1, is_less},
    {"<", "other", 1, is_less},
    {"gt", "other", 1, is_greater},
    {"greaterthan", "other", 1, is_greater},
    {">", "other", 1, is_greater},
    {"le", "other", 1, is_at_most},
    {"<=", "other", 1, is_at_most},
    {"ge", "other", 1, is_at_least},
    {">=", "other", 1, is_at_least},
    {"in", "seq", 1, is_in},
    {"even", "", 0, is_even},
    {"odd", "", 0, is_odd},
    {"divisibleby", "num", 1, is_divisible},
    {"sameas", "other", 1, is_same},
    {"lower", "", 0, is_unchanged_by<lower>},
    {"upper", "", 0, is_unchanged_by<upper>},
    {"filter", "", 0, is_filter},
    {"test", "", 0, is_test},
};

}  // namespace

const Builtin* find_test(std::string_view name) {
  for (const Builtin& row : kTests) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace troika::text::jinja
