// Attribute first or item first, as Jinja does: `x.name` prefers a method, `x['name']` prefers data.
#include "text/jinja_access.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "text/jinja_string.h"

namespace troika::text::jinja {

namespace {

Value no_attribute(const Value& owner, std::string_view name) {
  return Value::undefined(fmt::format("a value of type {} has no attribute '{}'", owner.type_name(), name));
}

std::optional<Value> method(Machine& machine, const Value& owner, std::string_view name) {
  const Builtin* found = find_method(owner, name);
  if (found == nullptr) return std::nullopt;
  if (found->run == nullptr) {
    return Value::undefined(
        fmt::format("{}.{} is not allowed: it would change data", owner.type_name(), name));
  }
  machine.meter.make(sizeof(BoundMethod));
  if (owner.depth() + 1 > kMaxValueDepth) fail("values are nested more than {} deep", kMaxValueDepth);
  return Value(std::make_shared<const BoundMethod>(BoundMethod{owner, found}));
}

// Elements can be taken by number.
bool is_sequence(const Value& value) {
  return value.is(Kind::list) && value.list().flavor <= ListFlavor::range;
}

// A slice bound, clamped to [low, high]; `otherwise` when absent.
int64_t bound(const Value& value, int64_t length, int64_t low, int64_t high, int64_t otherwise) {
  if (value.is(Kind::none) || value.is(Kind::missing)) return otherwise;
  if (value.is(Kind::undefined)) fail("{}", value.why_undefined());
  if (!value.is_integer()) fail("a slice needs integers, not a value of type {}", value.type_name());
  int64_t at = value.integer();
  if (at < 0) at = at < -length ? -1 - length : at;  // far out is far out; avoids overflow
  if (at < 0) at += length;
  return std::clamp(at, low, high);
}

}  // namespace

Value attribute(Machine& machine, const Value& owner, std::string_view name) {
  if (owner.is(Kind::undefined)) fail("{}", owner.why_undefined());
  if (owner.is(Kind::object)) return owner.object()->attribute(machine, name);
  if (auto found = method(machine, owner, name)) return *found;
  if (owner.is(Kind::dict)) {
    if (const Value* value = owner.dict().find(name)) return *value;
  }
  return no_attribute(owner, name);
}

Value item(Machine& machine, const Value& owner, const Value& key) {
  if (owner.is(Kind::undefined)) fail("{}", owner.why_undefined());
  if (owner.is(Kind::dict)) {
    machine.meter.step(owner.dict().search_steps(key));
    if (const Value* value = owner.dict().find(key)) return *value;
  }
  if (key.is(Kind::string)) {
    if (owner.is(Kind::object)) return owner.object()->attribute(machine, key.string());
    if (auto found = method(machine, owner, key.string())) return *found;
    return no_attribute(owner, key.string());
  }
  if (key.is_integer() && (is_sequence(owner) || owner.is(Kind::string))) {
    int64_t count = length(machine, owner), at = key.integer();
    if (at < 0 && at >= -count) at += count;
    if (at < 0 || at >= count) {
      return Value::undefined(
          fmt::format("a value of type {} has no element {}", owner.type_name(), key.integer()));
    }
    if (is_sequence(owner)) return owner.list().items[size_t(at)];
    std::string_view text = owner.string();
    text.remove_prefix(byte_offset(text, size_t(at)));
    return text.substr(0, size_t(first_character(text).bytes));
  }
  if (key.is(Kind::undefined)) fail("{}", key.why_undefined());
  return Value::undefined(fmt::format("a value of type {} has no such element", owner.type_name()));
}

Value slice(Machine& machine, const Value& owner, const Value& start, const Value& stop, const Value& step) {
  if (owner.is(Kind::undefined)) fail("{}", owner.why_undefined());
  if (!is_sequence(owner) && !owner.is(Kind::string))
    fail("a value of type {} cannot be sliced", owner.type_name());
  int64_t count = length(machine, owner);
  int64_t stride = 1;
  if (!step.is(Kind::none) && !step.is(Kind::missing)) {
    if (!step.is_integer() || step.integer() == 0)
      fail("the step of a slice must be an integer other than 0");
    stride = std::clamp<int64_t>(step.integer(), -count - 1, count + 1);
  }
  int64_t first =
      stride > 0 ? bound(start, count, 0, count, 0) : bound(start, count, -1, count - 1, count - 1);
  int64_t last = stride > 0 ? bound(stop, count, 0, count, count) : bound(stop, count, -1, count - 1, -1);
  auto inside = [&](int64_t at) { return stride > 0 ? at < last : at > last; };

  if (owner.is(Kind::string)) {
    std::string_view text = owner.string();
    std::string out;
    if (stride == 1) {
      size_t begin = byte_offset(text, size_t(first));
      if (inside(first)) out = text.substr(begin, byte_offset(text.substr(begin), size_t(last - first)));
    } else {
      machine.meter.make(text.size(), sizeof(std::string_view));
      auto characters = split_characters(text);
      for (int64_t at = first; inside(at); at += stride) out += characters[size_t(at)];
    }
    machine.meter.make(out.size());
    return out;
  }
  std::vector<Value> items;
  for (int64_t at = first; inside(at); at += stride) items.push_back(owner.list().items[size_t(at)]);
  auto flavor = owner.list().flavor;
  return make_list(machine.meter, std::move(items), flavor);
}

Value path(Machine& machine, const Value& owner, const Value& dotted) {
  if (dotted.is(Kind::missing) || dotted.is(Kind::none)) return owner;
  if (!dotted.is(Kind::string)) return item(machine, owner, dotted);
  Value value = owner;
  for (std::string_view part : split_at(dotted.string(), ".", -1, false)) {
    int64_t index = 0;
    auto end = part.data() + part.size();
    bool is_index = !part.empty() && std::from_chars(part.data(), end, index).ptr == end;
    value = item(machine, value, is_index ? Value(index) : Value(part));
  }
  return value;
}

Value as_list(Machine& machine, const Value& value) {
  std::vector<Value> items;
  switch (value.kind()) {
    case Kind::list:
      return value;
    case Kind::undefined:
      break;
    case Kind::dict:
      for (const auto& [key, item] : value.dict().entries()) items.push_back(key);
      break;
    case Kind::string:
      machine.meter.make(count_characters(value.string()),
                         4 * sizeof(Value));  // each one is a string of its own
      for (auto character : split_characters(value.string())) items.emplace_back(character);
      break;
    default:
      fail("a value of type {} cannot be looped over", value.type_name());
  }
  return make_list(machine.meter, std::move(items));
}

bool contains(Machine& machine, const Value& container, const Value& item) {
  switch (container.kind()) {
    case Kind::undefined:
      return false;
    case Kind::dict:
      machine.meter.step(container.dict().search_steps(item));
      return container.dict().find(item) != nullptr;
    case Kind::list:
      for (const Value& other : container.list().items) {
        machine.meter.step();
        if (equal(machine.meter, item, other)) return true;
      }
      return false;
    case Kind::string:
      if (!item.is(Kind::string))
        fail("only a string can be in a string, not a value of type {}", item.type_name());
      machine.meter.scan(container.string().size());
      return find(container.string(), item.string()) != std::string::npos;
    default:
      fail("nothing can be in a value of type {}", container.type_name());
  }
}

int64_t length(Machine& machine, const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
      return 0;
    case Kind::string:
      machine.meter.scan(value.string().size());
      return int64_t(count_characters(value.string()));
    case Kind::dict:
      return int64_t(value.dict().size());
    case Kind::list:
      if (value.list().flavor != ListFlavor::iterator) return int64_t(value.list().items.size());
      [[fallthrough]];
    default:
      fail("a value of type {} has no length", value.type_name());
  }
}

}  // namespace troika::text::jinja
