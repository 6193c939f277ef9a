// What a template can call by name: filters, tests, methods of values and global functions. Each is one row
// of a table in its own .cpp; adding one is adding a row.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja_value.h"

namespace troika::text::jinja {

// The state of one rendering that built-in functions may touch.
struct Machine {
  Meter meter;
  std::vector<std::unique_ptr<Object>> objects;

  template <typename T, typename... Args>
  T* make(Args&&... args) {
    meter.make(sizeof(T));
    auto object = std::make_unique<T>(std::forward<Args>(args)...);
    T* result = object.get();
    objects.push_back(std::move(object));
    return result;
  }
};

// One call on its way. `self` is the filtered or tested value, or the owner of the method.
// Once bound to a built-in, `arguments` has exactly its parameters, absent ones as `missing`.
struct Call {
  Machine& machine;
  Value self;
  std::vector<Value> arguments;
  std::vector<std::pair<std::string, Value>> named;

  Meter& meter() { return machine.meter; }
  bool has(size_t i) const { return !arguments[i].is(Kind::missing); }
  const Value& operator[](size_t i) const { return arguments[i]; }
  // Arguments that must have a type. An absent one is `otherwise`; in strings, of a limited lifetime (this
  // call's).
  bool flag(size_t i, bool otherwise) const { return has(i) ? arguments[i].truthy() : otherwise; }
  int64_t integer(size_t i, int64_t otherwise) const;
  std::string_view string(size_t i, std::string_view otherwise = {}) const;
  // The string it is called on; throws for any other value.
  const std::string& text() const;
};

struct Builtin {
  std::string_view name;
  std::string_view parameters;  // names with spaces between; "*": takes whatever comes, unbound
  int required;                 // how many of them must be given
  Value (*run)(Call& call);     // null: it exists in Python but would change data, so it is undefined here
};

// Null when there is none.
const Builtin* find_filter(std::string_view name);
const Builtin* find_test(std::string_view name);
const Builtin* find_method(const Value& self, std::string_view name);
const Builtin* find_global(std::string_view name);

// Binds the arguments and runs it.
Value run(const Builtin& builtin, Call& call);
// Calls any value; throws when it cannot be called.
Value invoke(const Value& callee, Call& call);

// What raise_exception throws; its text is the whole message.
class RaisedByTemplate : public Error {
 public:
  using Error::Error;
};

// An object whose attributes templates may set: {% set ns.count = 1 %}.
class Namespace : public Object {
 public:
  std::string_view type_name() const override { return "Namespace"; }
  Value attribute(Machine& machine, std::string_view name) override;
  Value call(Call& call) override;
  void set(Meter& meter, std::string_view name, Value value);

 private:
  Dict values_;
};

}  // namespace troika::text::jinja
