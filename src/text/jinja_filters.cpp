// Filters: what may stand behind |.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

#include "text/jinja_access.h"
#include "text/jinja_builtins.h"
#include "text/jinja_format.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_string.h"

namespace troika::text::jinja {

namespace {

// --- text: whatever the value is, it is printed first

std::string printed(Call& call) { return to_text(call.meter(), call.self); }

template <std::string (*change)(std::string_view)>
Value change_text(Call& call) {
  std::string text = printed(call);
  call.meter().make(6 * text.size());  // the most that escaping makes of it
  return change(text);
}

// Unlike str.title(), an apostrophe does not begin a word, but space, brackets and dashes do.
std::string title_words(std::string_view text) {
  std::string out;
  std::string_view word = text;
  auto flush = [&](std::string_view end) {
    word = word.substr(0, size_t(end.data() - word.data()));
    out += capitalize(word);
  };
  for (std::string_view rest = text; !rest.empty();) {
    auto [code, bytes] = first_character(rest);
    if (is_space(code) ||
        (code < 0x80 && std::string_view("-({[<").find(char(code)) != std::string_view::npos)) {
      flush(rest);
      out += rest.substr(0, size_t(bytes));
      word = rest.substr(size_t(bytes));
    }
    rest.remove_prefix(size_t(bytes));
  }
  return out + capitalize(word);
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

Value trim(Call& call) {
  std::string text = printed(call);
  if (!call.has(0) || call[0].is(Kind::none)) return strip_space(text);
  call.meter().step(1 + text.size() / 64 * call.string(0).size() / 16);
  return strip(text, call.string(0));
}

Value as_string(Call& call) { return printed(call); }

Value replace(Call& call) {
  Call method{
      call.machine, printed(call), {to_text(call.meter(), call[0]), to_text(call.meter(), call[1])}, {}};
  if (call.has(2) && !call[2].is(Kind::none)) method.arguments.push_back(call[2]);
  return run(*find_method(method.self, "replace"), method);
}

Value format(Call& call) {
  if (!call.named.empty() && !call.arguments.empty())
    fail("format takes values with names or without, not both");
  if (!call.named.empty()) {
    Dict dict;
    for (auto& [name, value] : call.named) dict.set(name, value);
    return format_percent(call.machine, printed(call), make_dict(call.meter(), std::move(dict)));
  }
  return format_percent(call.machine, printed(call),
                        make_list(call.meter(), call.arguments, ListFlavor::tuple));
}

Value indent(Call& call) {
  const std::string& text = call.text();
  bool first = call.flag(1, false), blank = call.flag(2, false);
  std::string by;
  if (call.has(0) && call[0].is(Kind::string)) {
    by = call[0].string();
  } else {
    int64_t width = call.integer(0, 4);
    call.meter().make(width > 0 ? size_t(width) : 0);
    by.assign(width > 0 ? size_t(width) : 0, ' ');
  }
  std::string out;
  bool first_line = true;
  size_t start = 0;
  for (size_t end = 0; end != text.npos; start = end + 1) {
    end = text.find('\n', start);
    std::string_view line = std::string_view(text).substr(start, end - start);
    if (first_line ? first : blank || !line.empty()) {
      call.meter().make(by.size());
      out += by;
    }
    first_line = false;
    call.meter().make(line.size() + 1);
    out += line;
    if (end != text.npos) out += '\n';
  }
  return out;
}

Value center(Call& call) {
  Call method{call.machine, printed(call), {call.has(0) ? call[0] : Value(80)}, {}};
  return run(*find_method(method.self, "center"), method);
}

Value truncate(Call& call) {
  const std::string& text = call.text();
  call.meter().make(text.size());
  int64_t length = call.integer(0, 255), leeway = call.integer(3, 5);
  bool kill_words = call.flag(1, false);
  std::string_view end = call.string(2, "...");
  auto end_length = int64_t(count_characters(end));
  if (length < end_length || leeway < 0) fail("truncate needs a length of at least that of its end");
  if (int64_t(count_characters(text)) - length <= leeway) return text;
  std::string cut = text.substr(0, byte_offset(text, size_t(length - end_length)));
  if (!kill_words) cut = cut.substr(0, cut.rfind(' '));
  return cut + std::string(end);
}

Value count_words(Call& call) {
  std::string text = printed(call);
  int64_t count = 0;
  bool in_word = false;
  each_character(text, [&](std::string_view character) {
    uint32_t code = first_character(character).code;
    bool is_word = is_letter(code) || is_digit(code) || code == '_';
    count += is_word && !in_word;
    in_word = is_word;
  });
  return count;
}

Value url_encode(Call& call) {
  std::string text = printed(call), out;
  call.meter().make(3 * text.size());
  for (unsigned char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                 c == '.' || c == '-' || c == '~' || c == '/';
    out += plain ? std::string(1, char(c)) : fmt::format("%{:02X}", c);
  }
  return out;
}

// --- numbers

Value absolute(Call& call) {
  if (call.self.is_number() && call.self.number() < 0) return negate(call.self);
  if (call.self.is(Kind::boolean)) return call.self.integer();
  if (!call.self.is_number()) fail("abs needs a number, not {}", call.self.type_name());
  return call.self;
}

std::optional<double> parse_real(std::string_view text) {
  text = strip_space(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  auto end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec == std::errc() && parsed.ptr == end) return value;
  return std::nullopt;
}

Value as_integer(Call& call) {
  Value otherwise = call.has(0) ? call[0] : Value(0);
  const Value& self = call.self;
  if (self.is_integer()) return self.integer();
  if (self.is(Kind::big)) return self;
  if (self.is(Kind::real)) {
    if (!(std::abs(self.number()) < 9.2e18)) return otherwise;
    return int64_t(self.number());
  }
  if (!self.is(Kind::string)) return otherwise;
  std::string text(strip_space(self.string()));
  auto base = int(std::clamp<int64_t>(call.integer(1, 10), 2, 36));
  std::string_view digits = text;
  bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  if (base == 16 && (digits.starts_with("0x") || digits.starts_with("0X"))) digits.remove_prefix(2);
  uint64_t value = 0;
  auto end = digits.data() + digits.size();
  auto parsed = std::from_chars(digits.data(), end, value, base);
  if (parsed.ec == std::errc() && parsed.ptr == end && value <= uint64_t{INT64_MAX}) {
    return negative ? -int64_t(value) : int64_t(value);
  }
  auto real = base == 10 ? parse_real(self.string()) : std::nullopt;  // "1.5" is 1
  return real && std::abs(*real) < 9.2e18 ? Value(int64_t(*real)) : otherwise;
}

Value as_real(Call& call) {
  if (call.self.is_number()) return call.self.number();
  auto real = call.self.is(Kind::string) ? parse_real(call.self.string()) : std::nullopt;
  return real ? Value(*real) : call.has(0) ? call[0] : Value(0.0);
}

Value round_number(Call& call) {
  if (!call.self.is_number()) fail("round needs a number, not {}", call.self.type_name());
  auto precision = int(std::clamp<int64_t>(call.integer(0, 0), -300, 300));
  std::string_view method = call.string(1, "common");
  double value = call.self.number(), scale = std::pow(10.0, precision);
  if (method == "ceil") return std::ceil(value * scale) / scale;
  if (method == "floor") return std::floor(value * scale) / scale;
  if (method != "common") fail("round knows common, ceil and floor, not '{}'", method);
  if (call.self.is_integer() && precision >= 0) return call.self.integer();
  if (!std::isfinite(value)) return value;
  if (precision < 0) {
    double rounded = std::nearbyint(value * scale) / scale;
    return call.self.is_integer() ? Value(int64_t(rounded)) : Value(rounded);
  }
  // Through decimal text, which rounds the exact binary value as Python does; halves go to even.
  std::string text = fmt::format("{:.{}f}", value, precision);
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// --- any value

Value safe(Call& call) { return printed(call); }

Value default_value(Call& call) {
  bool replaced = call.self.is(Kind::undefined) || (call.flag(1, false) && !call.self.truthy());
  return replaced ? (call.has(0) ? call[0] : Value("")) : call.self;
}

Value to_json(Call& call) {
  JsonStyle style;
  style.ascii = call.flag(0, false);
  style.sort_keys = call.flag(3, false);
  if (call.has(1) && !call[1].is(Kind::none)) {
    style.indented = true;
    style.between = ",";
    if (call[1].is(Kind::string)) {
      style.indent = call[1].string();
    } else {
      int64_t width = std::max<int64_t>(0, call.integer(1, 0));
      call.meter().make(size_t(width));
      style.indent.assign(size_t(width), ' ');
    }
  }
  if (call.has(2) && !call[2].is(Kind::none)) {
    if (!call[2].is(Kind::list) || call[2].list().items.size() != 2) fail("tojson needs two separators");
    style.between = to_text(call.meter(), call[2].list().items[0]);
    style.after_key = to_text(call.meter(), call[2].list().items[1]);
  }
  std::string out;
  print_json(call.meter(), call.self, style, out);
  return out;
}

Value count(Call& call) { return length(call.machine, call.self); }

Value attribute_of(Call& call) { return attribute(call.machine, call.self, call.string(0)); }

// --- lists

const std::vector<Value>& elements(const Value& list) { return list.list().items; }

Value list(Call& call) {
  std::vector<Value> items = elements(as_list(call.machine, call.self));
  return make_list(call.meter(), std::move(items));
}

Value first(Call& call) {
  Value all = as_list(call.machine, call.self);
  return elements(all).empty() ? Value::undefined("there is no first element") : elements(all).front();
}

Value last(Call& call) {
  Value all = as_list(call.machine, call.self);
  return elements(all).empty() ? Value::undefined("there is no last element") : elements(all).back();
}

Value join(Call& call) {
  Value all = as_list(call.machine, call.self);
  std::string separator = call.has(0) ? to_text(call.meter(), call[0]) : "";
  std::string out;
  for (size_t i = 0; i < elements(all).size(); ++i) {
    call.meter().make(separator.size());
    if (i != 0) out += separator;
    print(call.meter(), call.has(1) ? path(call.machine, elements(all)[i], call[1]) : elements(all)[i], out);
  }
  return out;
}

Value reverse(Call& call) {
  if (call.self.is(Kind::string)) {
    call.meter().make(call.self.string().size());
    std::string out(call.self.string().size(), ' ');
    size_t from = out.size();
    each_character(call.self.string(), [&](std::string_view character) {
      from -= character.size();
      out.replace(from, character.size(), character);
    });
    return out;
  }
  std::vector<Value> items = elements(as_list(call.machine, call.self));
  std::reverse(items.begin(), items.end());
  return make_list(call.meter(), std::move(items), ListFlavor::iterator);
}

Value items(Call& call) {
  if (call.self.is(Kind::undefined)) return make_list(call.meter(), {}, ListFlavor::iterator);
  if (!call.self.is(Kind::dict)) fail("items needs a dict, not {}", call.self.type_name());
  Call method{call.machine, call.self, {}, {}};
  return make_list(call.meter(), elements(run(*find_method(call.self, "items"), method)),
                   ListFlavor::iterator);
}

// What a value is sorted and compared by: text without regard to case, unless case matters.
Value sort_key(Call& call, const Value& value, const Value& by, bool case_sensitive) {
  Value key = path(call.machine, value, by);
  if (case_sensitive || !key.is(Kind::string)) return key;
  call.meter().make(key.string().size());
  return lower(key.string());
}

// The order in which the values of `keys` are sorted.
std::vector<size_t> sorted_order(Meter& meter, const std::vector<Value>& keys, bool descending) {
  meter.make(keys.size(), sizeof(size_t));
  std::vector<size_t> order(keys.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    meter.step();
    return descending ? less(meter, keys[b], keys[a]) : less(meter, keys[a], keys[b]);
  });
  return order;
}

Value sort(Call& call) {
  Value all = as_list(call.machine, call.self);
  std::vector<Value> keys, sorted;
  call.meter().make(elements(all).size(), sizeof(Value));
  for (const Value& value : elements(all)) {
    std::vector<Value> several;  // attribute="a,b": by a, then by b
    if (call.has(2) && call[2].is(Kind::string)) {
      for (auto name : split_at(call[2].string(), ",", -1, false)) {
        several.push_back(sort_key(call, value, Value(name), call.flag(1, false)));
      }
      keys.push_back(make_list(call.meter(), std::move(several)));
    } else {
      keys.push_back(sort_key(call, value, call[2], call.flag(1, false)));
    }
  }
  for (size_t i : sorted_order(call.meter(), keys, call.flag(0, false))) sorted.push_back(elements(all)[i]);
  return make_list(call.meter(), std::move(sorted));
}

Value sort_dict(Call& call) {
  if (!call.self.is(Kind::dict)) fail("dictsort needs a dict, not {}", call.self.type_name());
  std::string_view by = call.string(1, "key");
  if (by != "key" && by != "value") fail("dictsort sorts by key or by value, not by '{}'", by);
  std::vector<Value> keys, sorted;
  const auto& entries = call.self.dict().entries();
  call.meter().make(entries.size(), sizeof(Value));
  for (const auto& [key, value] : entries) {
    keys.push_back(sort_key(call, by == "key" ? key : value, Value(), call.flag(0, false)));
  }
  for (size_t i : sorted_order(call.meter(), keys, call.flag(2, false))) {
    sorted.push_back(make_list(call.meter(), {entries[i].first, entries[i].second}, ListFlavor::tuple));
  }
  return make_list(call.meter(), std::move(sorted));
}

Value unique(Call& call) {
  Value all = as_list(call.machine, call.self);
  std::vector<Value> keys, kept;
  for (const Value& value : elements(all)) {
    Value key = sort_key(call, value, call[1], call.flag(0, false));
    bool known = std::any_of(keys.begin(), keys.end(), [&](const Value& other) {
      call.meter().step();
      return equal(call.meter(), key, other);
    });
    if (known) continue;
    keys.push_back(std::move(key));
    kept.push_back(value);
  }
  return make_list(call.meter(), std::move(kept), ListFlavor::iterator);
}

template <bool largest>
Value extreme(Call& call) {
  Value all = as_list(call.machine, call.self);
  if (elements(all).empty()) return Value::undefined("an empty list has no smallest or largest element");
  size_t best = 0;
  Value best_key = sort_key(call, elements(all)[0], call[1], call.flag(0, false));
  for (size_t i = 1; i < elements(all).size(); ++i) {
    Value key = sort_key(call, elements(all)[i], call[1], call.flag(0, false));
    call.meter().step();
    if (largest ? less(call.meter(), best_key, key) : less(call.meter(), key, best_key)) {
      best = i;
      best_key = std::move(key);
    }
  }
  return elements(all)[best];
}

Value sum(Call& call) {
  Value all = as_list(call.machine, call.self), total = call.has(1) ? call[1] : Value(0);
  for (const Value& value : elements(all)) {
    call.meter().step();
    total = apply(call.machine, BinaryOperator::add, total, path(call.machine, value, call[0]));
  }
  return total;
}

Value group_by(Call& call) {
  Value all = as_list(call.machine, call.self);
  bool case_sensitive = call.flag(2, false);
  std::vector<Value> keys, groups;
  for (const Value& value : elements(all)) {
    Value key = path(call.machine, value, call[0]);
    if (key.is(Kind::undefined) && call.has(1)) key = call[1];
    keys.push_back(sort_key(call, key, Value(), case_sensitive));
  }
  auto order = sorted_order(call.meter(), keys, false);
  for (size_t i = 0; i < order.size();) {
    std::vector<Value> members;
    size_t begin = i;
    for (; i < order.size() && equal(call.meter(), keys[order[i]], keys[order[begin]]); ++i) {
      members.push_back(elements(all)[order[i]]);
    }
    Value name = path(call.machine, members[0], call[0]);
    if (name.is(Kind::undefined) && call.has(1)) name = call[1];
    groups.push_back(
        make_list(call.meter(), {name, make_list(call.meter(), std::move(members))}, ListFlavor::tuple));
  }
  return make_list(call.meter(), std::move(groups));
}

Value batch(Call& call) {
  Value all = as_list(call.machine, call.self);
  auto size = size_t(std::max<int64_t>(1, call.integer(0, 1)));
  std::vector<Value> rows, row;
  for (const Value& value : elements(all)) {
    if (row.size() == size) rows.push_back(make_list(call.meter(), std::exchange(row, {})));
    row.push_back(value);
  }
  if (!row.empty() && call.has(1) && !call[1].is(Kind::none)) {
    call.meter().make(size - row.size(), sizeof(Value));
    row.resize(size, call[1]);
  }
  if (!row.empty()) rows.push_back(make_list(call.meter(), std::move(row)));
  return make_list(call.meter(), std::move(rows), ListFlavor::iterator);
}

// --- filters that take a filter or a test: map, select, reject, selectattr, rejectattr

Value take_first_argument(Call& call, std::string_view filter) {
  if (call.arguments.empty()) fail("{} needs an argument", filter);
  Value first = call.arguments.front();
  call.arguments.erase(call.arguments.begin());
  return first;
}

Value map(Call& call) {
  Value all = as_list(call.machine, call.self);
  std::vector<Value> out;
  if (call.arguments.empty() && !call.named.empty()) {
    Value attribute, otherwise;
    for (auto& [name, value] : call.named) {
      if (name == "attribute")
        attribute = value;
      else if (name == "default")
        otherwise = value;
      else
        fail("map has no argument named '{}'", name);
    }
    for (const Value& value : elements(all)) {
      call.meter().step();
      Value part = path(call.machine, value, attribute);
      out.push_back(part.is(Kind::undefined) && !otherwise.is(Kind::missing) ? otherwise : part);
    }
    return make_list(call.meter(), std::move(out), ListFlavor::iterator);
  }
  std::string name = to_text(call.meter(), take_first_argument(call, "map"));
  const Builtin* filter = find_filter(name);
  if (filter == nullptr) fail("there is no filter named '{}'", name);
  for (const Value& value : elements(all)) {
    Call each{call.machine, value, call.arguments, call.named};
    out.push_back(run(*filter, each));
  }
  return make_list(call.meter(), std::move(out), ListFlavor::iterator);
}

template <bool by_attribute, bool keep>
Value select(Call& call) {
  Value all = as_list(call.machine, call.self);
  Value attribute;
  if (by_attribute) attribute = take_first_argument(call, "selectattr");
  const Builtin* test = nullptr;
  if (!call.arguments.empty()) {
    std::string name = to_text(call.meter(), take_first_argument(call, "select"));
    test = find_test(name);
    if (test == nullptr) fail("there is no test named '{}'", name);
  }
  std::vector<Value> out;
  for (const Value& value : elements(all)) {
    call.meter().step();
    Value part = path(call.machine, value, attribute);
    if (test != nullptr) {
      Call each{call.machine, part, call.arguments, call.named};
      part = run(*test, each);
    }
    if (part.truthy() == keep) out.push_back(value);
  }
  return make_list(call.meter(), std::move(out), ListFlavor::iterator);
}

constexpr Builtin kFilters[] = {
    {"abs", "", 0, absolute},
    {"attr", "name", 1, attribute_of},
    {"batch", "linecount fill_with", 1, batch},
    {"capitalize", "", 0, change_text<capitalize>},
    {"center", "width", 0, center},
    {"count", "", 0, count},
    {"d", "default_value boolean", 0, default_value},
    {"default", "default_value boolean", 0, default_value},
    {"dictsort", "case_sensitive by reverse", 0, sort_dict},
    {"e", "", 0, change_text<escape_html>},
    {"escape", "", 0, change_text<escape_html>},
    {"first", "", 0, first},
    {"float", "default", 0, as_real},
    {"forceescape", "", 0, change_text<escape_html>},
    {"format", "*", 0, format},
    {"groupby", "attribute default case_sensitive", 1, group_by},
    {"indent", "width first blank", 0, indent},
    {"int", "default base", 0, as_integer},
    {"items", "", 0, items},
    {"join", "d attribute", 0, join},
    {"last", "", 0, last},
    {"length", "", 0, count},
    {"list", "", 0, list},
    {"lower", "", 0, change_text<lower>},
    {"map", "*", 0, map},
    {"max", "case_sensitive attribute", 0, extreme<true>},
    {"min", "case_sensitive attribute", 0, extreme<false>},
    {"reject", "*", 0, select<false, false>},
    {"rejectattr", "*", 0, select<true, false>},
    {"replace", "old new count", 2, replace},
    {"reverse", "", 0, reverse},
    {"round", "precision method", 0, round_number},
    {"safe", "", 0, safe},
    {"select", "*", 0, select<false, true>},
    {"selectattr", "*", 0, select<true, true>},
    {"sort", "reverse case_sensitive attribute", 0, sort},
    {"string", "", 0, as_string},
    {"sum", "attribute start", 0, sum},
    {"title", "", 0, change_text<title_words>},
    {"tojson", "ensure_ascii indent separators sort_keys", 0, to_json},
    {"trim", "chars", 0, trim},
    {"truncate", "length killwords end leeway", 0, truncate},
    {"unique", "case_sensitive attribute", 0, unique},
    {"upper", "", 0, change_text<upper>},
    {"urlencode", "", 0, url_encode},
    {"wordcount", "", 0, count_words},
};

}  // namespace

const Builtin* find_filter(std::string_view name) {
  for (const Builtin& row : kFilters) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace troika::text::jinja
