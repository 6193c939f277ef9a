// Truth, depth, equality and order of values, as Python defines them; and dicts, a list of entries with an
// index of the names when there are many.
#include "text/jinja_value.h"

#include <algorithm>
#include <cmath>

namespace troika::text::jinja {

namespace {

constexpr size_t kIndexFrom = 12;  // below this many entries a search is as fast as a hash

// Compares a number of int64 or uint64 range with another without going through double where both are whole.
bool numbers_equal(const Value& a, const Value& b) {
  if (a.is_integer() && b.is_integer()) return a.integer() == b.integer();
  if (a.is(Kind::big) && b.is(Kind::big)) return a.big() == b.big();
  if (a.is(Kind::real) || b.is(Kind::real)) return a.number() == b.number();
  return false;  // a big number never fits in int64
}

bool numbers_less(const Value& a, const Value& b) {
  if (a.is_integer() && b.is_integer()) return a.integer() < b.integer();
  if (a.is(Kind::big) && b.is(Kind::big)) return a.big() < b.big();
  return a.number() < b.number();
}

}  // namespace

double Value::number() const {
  switch (kind()) {
    case Kind::real:
      return std::get<double>(data_);
    case Kind::big:
      return double(std::get<uint64_t>(data_));
    default:
      return double(integer());
  }
}

int Value::depth() const {
  switch (kind()) {
    case Kind::list:
      return list().depth;
    case Kind::dict:
      return dict().depth();
    case Kind::method:
      return method().self.depth() + 1;
    default:
      return 0;
  }
}

bool Value::truthy() const {
  switch (kind()) {
    case Kind::missing:
    case Kind::undefined:
    case Kind::none:
      return false;
    case Kind::boolean:
      return boolean();
    case Kind::integer:
      return integer() != 0;
    case Kind::big:
      return true;
    case Kind::real:
      return std::get<double>(data_) != 0;
    case Kind::string:
      return !string().empty();
    case Kind::list:
      return list().flavor == ListFlavor::iterator || !list().items.empty();
    case Kind::dict:
      return dict().size() != 0;
    case Kind::object:
    case Kind::builtin:
    case Kind::method:
      return true;
  }
  return false;
}

std::string_view Value::type_name() const {
  switch (kind()) {
    case Kind::missing:
      return "missing";
    case Kind::undefined:
      return "Undefined";
    case Kind::none:
      return "NoneType";
    case Kind::boolean:
      return "bool";
    case Kind::integer:
    case Kind::big:
      return "int";
    case Kind::real:
      return "float";
    case Kind::string:
      return "str";
    case Kind::dict:
      return "dict";
    case Kind::object:
      return object()->type_name();
    case Kind::builtin:
      return "function";
    case Kind::method:
      return "method";
    case Kind::list:
      break;
  }
  switch (list().flavor) {
    case ListFlavor::list:
      return "list";
    case ListFlavor::tuple:
      return "tuple";
    case ListFlavor::range:
      return "range";
    case ListFlavor::keys:
      return "dict_keys";
    case ListFlavor::values:
      return "dict_values";
    case ListFlavor::items:
      return "dict_items";
    case ListFlavor::iterator:
      return "generator";
  }
  return "list";
}

Value make_list(Meter& meter, std::vector<Value> items, ListFlavor flavor) {
  meter.make(sizeof(List) + items.size() * sizeof(Value));
  List list{std::move(items), flavor};
  for (const Value& item : list.items) list.depth = std::max(list.depth, item.depth() + 1);
  if (list.depth > kMaxValueDepth) fail("lists are nested more than {} deep", kMaxValueDepth);
  return std::make_shared<const List>(std::move(list));
}

Value make_dict(Meter& meter, Dict dict) {
  meter.make(sizeof(Dict) + dict.size() * 3 * sizeof(Value));
  return std::make_shared<const Dict>(std::move(dict));
}

const Value* Dict::find(std::string_view key) const {
  size_t at = position(key);
  return at == entries_.size() ? nullptr : &entries_[at].second;
}

const Value* Dict::find(const Value& key) const {
  size_t at = position(key);
  return at == entries_.size() ? nullptr : &entries_[at].second;
}

size_t Dict::position(std::string_view name) const {
  if (entries_.size() >= kIndexFrom) {
    auto found = by_name_.find(name);
    return found == by_name_.end() ? entries_.size() : found->second;
  }
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].first.is(Kind::string) && entries_[i].first.string() == name) return i;
  }
  return entries_.size();
}

// Numbers are rare as keys and are searched one by one.
size_t Dict::position(const Value& key) const {
  if (key.is(Kind::string)) return position(std::string_view(key.string()));
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Value& other = entries_[i].first;
    if (key.is_number() ? other.is_number() && numbers_equal(key, other) : key.kind() == other.kind())
      return i;
  }
  return entries_.size();
}

void Dict::set(Value key, Value value) {
  if (!key.is(Kind::string) && !key.is_number() && !key.is(Kind::none)) {
    fail("a value of type {} cannot be the key of a dict here", key.type_name());
  }
  depth_ = std::max(depth_, value.depth() + 1);
  if (depth_ > kMaxValueDepth) fail("dicts are nested more than {} deep", kMaxValueDepth);
  size_t at = position(key);
  if (at != entries_.size()) {
    entries_[at].second = std::move(value);
    return;
  }
  entries_.emplace_back(std::move(key), std::move(value));
  if (entries_.size() < kIndexFrom) return;
  size_t first = entries_.size() == kIndexFrom ? 0 : entries_.size() - 1;
  for (size_t i = first; i < entries_.size(); ++i) {
    // The name's bytes lie in a shared string that the entry keeps alive, wherever the entry moves.
    if (entries_[i].first.is(Kind::string)) by_name_.emplace(entries_[i].first.string(), i);
  }
}

bool equal(Meter& meter, const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return numbers_equal(a, b);
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::missing:
    case Kind::undefined:
    case Kind::none:
      return true;
    case Kind::string:
      if (a.string().size() != b.string().size()) return false;
      meter.scan(a.string().size());
      return a.string() == b.string();
    case Kind::list: {
      const List &x = a.list(), &y = b.list();
      if (&x == &y) return true;
      if (x.flavor != y.flavor || x.items.size() != y.items.size()) return false;
      for (size_t i = 0; i < x.items.size(); ++i) {
        meter.step();
        if (!equal(meter, x.items[i], y.items[i])) return false;
      }
      return x.flavor != ListFlavor::iterator;
    }
    case Kind::dict: {
      const Dict &x = a.dict(), &y = b.dict();
      if (&x == &y) return true;
      if (x.size() != y.size()) return false;
      for (const auto& [key, value] : x.entries()) {
        meter.step(y.search_steps(key));
        const Value* other = y.find(key);
        if (other == nullptr || !equal(meter, value, *other)) return false;
      }
      return true;
    }
    case Kind::object:
      return a.object() == b.object();
    case Kind::builtin:
      return a.builtin() == b.builtin();
    case Kind::method:
      return a.method().method == b.method().method && equal(meter, a.method().self, b.method().self);
    case Kind::boolean:
    case Kind::integer:
    case Kind::big:
    case Kind::real:
      return numbers_equal(a, b);
  }
  return false;
}

bool less(Meter& meter, const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return numbers_less(a, b);
  if (a.is(Kind::string) && b.is(Kind::string)) {
    meter.scan(std::min(a.string().size(), b.string().size()));
    return a.string() < b.string();  // UTF-8 bytes sort as their characters do
  }
  if (a.is(Kind::list) && b.is(Kind::list) && a.list().flavor == b.list().flavor &&
      a.list().flavor <= ListFlavor::tuple) {
    const auto &x = a.list().items, &y = b.list().items;
    for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
      meter.step();
      if (!equal(meter, x[i], y[i])) return less(meter, x[i], y[i]);
    }
    return x.size() < y.size();
  }
  if (a.is(Kind::undefined)) fail("{}", a.why_undefined());
  if (b.is(Kind::undefined)) fail("{}", b.why_undefined());
  fail("'<' does not work between {} and {}", a.type_name(), b.type_name());
}

}  // namespace troika::text::jinja
