// The values a template computes with: plain data with Python's meaning. Strings, lists and dicts are
// immutable and shared, so copying a Value is cheap and no value can hold itself; what changes or runs
// (namespaces, loops, macros) is an Object, owned by the rendering and only pointed at here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "text/jinja_meter.h"

namespace troika::text::jinja {

class Value;
class Dict;
struct List;
struct Builtin;
struct BoundMethod;
class Object;
struct Call;
struct Machine;

// In the order of Value's alternatives. `missing` is an argument that was not given; templates never see it.
// `big` is a JSON number above the range of int64: it can be printed, compared and turned into a double.
enum class Kind {
  missing,
  undefined,
  none,
  boolean,
  integer,
  big,
  real,
  string,
  list,
  dict,
  object,
  builtin,
  method
};

class Value {
 public:
  Value() = default;
  Value(bool value) : data_(value) {}
  Value(int64_t value) : data_(value) {}
  Value(int value) : data_(int64_t{value}) {}
  Value(double value) : data_(value) {}
  Value(std::string text) : data_(std::make_shared<const std::string>(std::move(text))) {}
  Value(std::string_view text) : Value(std::string(text)) {}
  Value(const char* text) : Value(std::string(text)) {}
  Value(std::shared_ptr<const List> list) : data_(std::move(list)) {}
  Value(std::shared_ptr<const Dict> dict) : data_(std::move(dict)) {}
  Value(std::shared_ptr<const BoundMethod> method) : data_(std::move(method)) {}
  Value(Object* object) : data_(object) {}
  Value(const Builtin* builtin) : data_(builtin) {}
  static Value none() { return Value(Data(None{})); }
  static Value big(uint64_t value) { return Value(Data(value)); }
  // `why` is the sentence for whoever uses it as more than an empty value.
  static Value undefined(std::string why) {
    return Value(Data(Undefined{std::make_shared<const std::string>(std::move(why))}));
  }

  Kind kind() const { return Kind(data_.index()); }
  bool is(Kind kind) const { return this->kind() == kind; }
  bool is_number() const {
    return kind() >= Kind::boolean && kind() <= Kind::real;
  }                                                                           // bool is an int in Python
  bool is_integer() const { return is(Kind::boolean) || is(Kind::integer); }  // that fits in int64

  bool boolean() const { return std::get<bool>(data_); }
  int64_t integer() const { return is(Kind::boolean) ? boolean() : std::get<int64_t>(data_); }
  uint64_t big() const { return std::get<uint64_t>(data_); }
  double number() const;  // any number
  const std::string& string() const { return *std::get<std::shared_ptr<const std::string>>(data_); }
  const List& list() const { return *std::get<std::shared_ptr<const List>>(data_); }
  const Dict& dict() const { return *std::get<std::shared_ptr<const Dict>>(data_); }
  const BoundMethod& method() const { return *std::get<std::shared_ptr<const BoundMethod>>(data_); }
  Object* object() const { return std::get<Object*>(data_); }
  const Builtin* builtin() const { return std::get<const Builtin*>(data_); }
  const std::string& why_undefined() const { return *std::get<Undefined>(data_).why; }

  int depth() const;  // 0 for scalars, 1 + the deepest element for containers
  bool truthy() const;
  std::string_view type_name() const;  // as Python says it: "str", "list", ...

 private:
  struct None {};
  struct Undefined {
    std::shared_ptr<const std::string> why;
  };
  using Data =
      std::variant<std::monostate, Undefined, None, bool, int64_t, uint64_t, double,
                   std::shared_ptr<const std::string>, std::shared_ptr<const List>,
                   std::shared_ptr<const Dict>, Object*, const Builtin*, std::shared_ptr<const BoundMethod>>;
  explicit Value(Data data) : data_(std::move(data)) {}
  Data data_;
};

// Everything that is a row of values in Python. The differences that show: an iterator is always true, has no
// length and no elements by number; the views of a dict have a length, but no elements by number.
enum class ListFlavor { list, tuple, range, keys, values, items, iterator };

struct List {
  std::vector<Value> items;
  ListFlavor flavor = ListFlavor::list;
  int depth = 1;
};

Value make_list(Meter& meter, std::vector<Value> items, ListFlavor flavor = ListFlavor::list);

// Keys in order of insertion; a key is a string, a number, a bool or none.
class Dict {
 public:
  using Entry = std::pair<Value, Value>;
  const std::vector<Entry>& entries() const { return entries_; }
  size_t size() const { return entries_.size(); }
  int depth() const { return depth_; }
  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  size_t search_steps(const Value& key) const { return key.is(Kind::string) ? 1 : 1 + size() / 16; }
  void set(Value key,
           Value value);  // while it is being built; throws on an unhashable key or on too deep nesting

 private:
  size_t position(const Value& key) const;  // size() when it is not there
  size_t position(std::string_view name) const;
  std::vector<Entry> entries_;
  std::unordered_map<std::string_view, size_t> by_name_;  // once there are many
  int depth_ = 1;
};

Value make_dict(Meter& meter, Dict dict);

// A method taken from a value: `text.strip`, `loop.cycle`.
struct BoundMethod {
  Value self;
  const Builtin* method;
};

// A thing with behaviour. Owned by the Machine until the rendering ends, so that cycles cannot leak.
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string_view type_name() const = 0;
  virtual Value attribute(Machine& machine, std::string_view name) = 0;
  virtual Value call(Call& call) = 0;
  virtual bool is_callable() const { return false; }
};

// Python's ==. Never throws because of types, but comparing large values costs steps.
bool equal(Meter& meter, const Value& a, const Value& b);
// Python's <; throws when the two cannot be ordered.
bool less(Meter& meter, const Value& a, const Value& b);

}  // namespace troika::text::jinja
