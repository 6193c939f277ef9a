// How calls reach built-in functions: arguments are bound to parameters by place or by name, as in Python.
#include "text/jinja_builtins.h"

#include <algorithm>

#include "text/jinja_string.h"

namespace troika::text::jinja {

namespace {

void bind(const Builtin& builtin, Call& call) {
  if (builtin.parameters == "*") return;
  auto names = split_words(builtin.parameters, -1, false);
  if (call.arguments.size() > names.size()) {
    fail("{}() takes at most {} arguments, not {}", builtin.name, names.size(), call.arguments.size());
  }
  call.arguments.resize(names.size());
  for (auto& [name, value] : call.named) {
    auto at = size_t(std::find(names.begin(), names.end(), name) - names.begin());
    if (at == names.size()) fail("{}() has no argument named '{}'", builtin.name, name);
    if (call.has(at)) fail("{}() got its argument '{}' twice", builtin.name, name);
    call.arguments[at] = std::move(value);
  }
  call.named.clear();
  for (int i = 0; i < builtin.required; ++i) {
    if (!call.has(size_t(i))) fail("{}() needs its argument '{}'", builtin.name, names[size_t(i)]);
  }
}

}  // namespace

int64_t Call::integer(size_t i, int64_t otherwise) const {
  if (!has(i)) return otherwise;
  if (arguments[i].is(Kind::undefined)) fail("{}", arguments[i].why_undefined());
  if (!arguments[i].is_integer())
    fail("an integer is needed, not a value of type {}", arguments[i].type_name());
  return arguments[i].integer();
}

std::string_view Call::string(size_t i, std::string_view otherwise) const {
  if (!has(i)) return otherwise;
  if (arguments[i].is(Kind::undefined)) fail("{}", arguments[i].why_undefined());
  if (!arguments[i].is(Kind::string))
    fail("a string is needed, not a value of type {}", arguments[i].type_name());
  return arguments[i].string();
}

const std::string& Call::text() const {
  if (self.is(Kind::undefined)) fail("{}", self.why_undefined());
  if (!self.is(Kind::string)) fail("a string is needed, not a value of type {}", self.type_name());
  return self.string();
}

Value run(const Builtin& builtin, Call& call) {
  call.meter().step(1 + (call.arguments.size() + call.named.size()) / 8);
  bind(builtin, call);
  return builtin.run(call);
}

Value invoke(const Value& callee, Call& call) {
  switch (callee.kind()) {
    case Kind::builtin:
      return run(*callee.builtin(), call);
    case Kind::method:
      call.self = callee.method().self;
      return run(*callee.method().method, call);
    case Kind::object:
      return callee.object()->call(call);
    case Kind::undefined:
      fail("{}", callee.why_undefined());
    default:
      fail("a value of type {} cannot be called", callee.type_name());
  }
}

Value Namespace::attribute(Machine&, std::string_view name) {
  const Value* value = values_.find(name);
  return value != nullptr ? *value
                          : Value::undefined(fmt::format("the namespace has no attribute '{}'", name));
}

Value Namespace::call(Call&) { fail("a namespace cannot be called"); }

void Namespace::set(Meter& meter, std::string_view name, Value value) {
  if (values_.find(name) == nullptr) meter.make(3 * sizeof(Value) + name.size());
  values_.set(name, std::move(value));
}

}  // namespace troika::text::jinja
