// Arithmetic. Two whole numbers stay whole (but for /), any real makes it real; text and lists know + and *.
#include "text/jinja_operators.h"

#include <cmath>
#include <optional>

#include "text/jinja_format.h"

namespace troika::text::jinja {

namespace {

constexpr std::string_view symbol(BinaryOperator op) {
  switch (op) {
    case BinaryOperator::add:
      return "+";
    case BinaryOperator::subtract:
      return "-";
    case BinaryOperator::multiply:
      return "*";
    case BinaryOperator::divide:
      return "/";
    case BinaryOperator::floor_divide:
      return "//";
    case BinaryOperator::modulo:
      return "%";
    case BinaryOperator::power:
      return "**";
  }
  return "?";
}

[[noreturn]] void overflow() { fail("an integer leaves the range of 64 bits"); }

int64_t power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) overflow();
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) overflow();
  }
  return result;
}

Value whole(BinaryOperator op, int64_t a, int64_t b) {
  int64_t result = 0;
  switch (op) {
    case BinaryOperator::add:
      if (__builtin_add_overflow(a, b, &result)) overflow();
      return result;
    case BinaryOperator::subtract:
      if (__builtin_sub_overflow(a, b, &result)) overflow();
      return result;
    case BinaryOperator::multiply:
      if (__builtin_mul_overflow(a, b, &result)) overflow();
      return result;
    case BinaryOperator::divide:
      if (b == 0) fail("division by zero");
      return double(a) / double(b);
    case BinaryOperator::floor_divide:
    case BinaryOperator::modulo: {
      if (b == 0) fail("division by zero");
      if (b == -1) {  // the only quotient that can overflow
        if (op == BinaryOperator::modulo) return 0;
        if (__builtin_sub_overflow(int64_t{0}, a, &result)) overflow();
        return result;
      }
      int64_t rest = a % b;
      bool below = rest != 0 && (rest < 0) != (b < 0);  // Python rounds down, C++ towards zero
      return op == BinaryOperator::modulo ? rest + (below ? b : 0) : a / b - (below ? 1 : 0);
    }
    case BinaryOperator::power:
      if (b < 0 && a == 0) fail("division by zero");
      return b < 0 ? Value(std::pow(double(a), double(b))) : Value(power(a, b));
  }
  return result;
}

Value real(BinaryOperator op, double a, double b) {
  switch (op) {
    case BinaryOperator::add:
      return a + b;
    case BinaryOperator::subtract:
      return a - b;
    case BinaryOperator::multiply:
      return a * b;
    case BinaryOperator::divide:
      if (b == 0) fail("division by zero");
      return a / b;
    case BinaryOperator::floor_divide:
    case BinaryOperator::modulo: {
      if (b == 0) fail("division by zero");
      double rest = std::fmod(a, b);
      if (rest != 0 && (rest < 0) != (b < 0)) rest += b;
      if (rest == 0) rest = std::copysign(0.0, b);
      if (op == BinaryOperator::modulo) return rest;
      double quotient = (a - rest) / b;
      return quotient == 0 ? std::copysign(0.0, a / b) : std::floor(quotient + 0.5);
    }
    case BinaryOperator::power: {
      if (a == 0 && b < 0) fail("division by zero");
      double result = std::pow(a, b);
      if (std::isinf(result) && std::isfinite(a) && std::isfinite(b)) fail("a number is out of range");
      return result;
    }
  }
  return 0.0;
}

std::optional<Value> add(Machine& machine, const Value& a, const Value& b) {
  if (a.is(Kind::string) && b.is(Kind::string)) {
    machine.meter.make(a.string().size() + b.string().size());
    return Value(a.string() + b.string());
  }
  if (a.is(Kind::list) && b.is(Kind::list) && a.list().flavor == b.list().flavor &&
      a.list().flavor <= ListFlavor::tuple) {
    machine.meter.make(a.list().items.size() + b.list().items.size(), sizeof(Value));
    std::vector<Value> items = a.list().items;
    items.insert(items.end(), b.list().items.begin(), b.list().items.end());
    return make_list(machine.meter, std::move(items), a.list().flavor);
  }
  return std::nullopt;
}

std::optional<Value> repeat(Machine& machine, const Value& what, const Value& times) {
  if (!times.is_integer()) return std::nullopt;
  size_t count = times.integer() > 0 ? size_t(times.integer()) : 0;
  if (what.is(Kind::string)) {
    machine.meter.make(count, what.string().size());
    std::string out;
    if (what.string().empty()) return Value(out);
    out.reserve(count * what.string().size());
    for (size_t i = 0; i < count; ++i) out += what.string();
    return Value(std::move(out));
  }
  if (what.is(Kind::list) && what.list().flavor <= ListFlavor::tuple) {
    const auto& items = what.list().items;
    machine.meter.make(count, items.size() * sizeof(Value));
    std::vector<Value> out;
    for (size_t i = 0; i < count && !items.empty(); ++i) out.insert(out.end(), items.begin(), items.end());
    return make_list(machine.meter, std::move(out), what.list().flavor);
  }
  return std::nullopt;
}

}  // namespace

Value apply(Machine& machine, BinaryOperator op, const Value& left, const Value& right) {
  if (left.is_integer() && right.is_integer()) return whole(op, left.integer(), right.integer());
  if (left.is_number() && right.is_number()) return real(op, left.number(), right.number());
  std::optional<Value> result;
  if (op == BinaryOperator::add) result = add(machine, left, right);
  if (op == BinaryOperator::multiply) {
    result = repeat(machine, left, right);
    if (!result) result = repeat(machine, right, left);
  }
  if (op == BinaryOperator::modulo && left.is(Kind::string)) {
    result = format_percent(machine, left.string(), right);
  }
  if (result) return *result;
  if (left.is(Kind::undefined)) fail("{}", left.why_undefined());
  if (right.is(Kind::undefined)) fail("{}", right.why_undefined());
  fail("'{}' does not work between {} and {}", symbol(op), left.type_name(), right.type_name());
}

Value negate(const Value& value) {
  if (value.is_integer()) return whole(BinaryOperator::subtract, 0, value.integer());
  if (value.is_number()) return -value.number();
  if (value.is(Kind::undefined)) fail("{}", value.why_undefined());
  fail("a value of type {} has no negative", value.type_name());
}

}  // namespace troika::text::jinja
