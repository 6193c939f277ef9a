// Methods of strings, lists and dicts. Those that would change a value exist in Python and are listed without
// a function: to a template they are undefined, as in Jinja's immutable sandbox.
#include <algorithm>

#include "text/jinja_access.h"
#include "text/jinja_builtins.h"
#include "text/jinja_format.h"
#include "text/jinja_print.h"
#include "text/jinja_string.h"

namespace troika::text::jinja {

namespace {

// --- strings

// The text of the call, about to be read once and copied once.
const std::string& charged_text(Call& call) {
  const std::string& text = call.text();
  call.meter().scan(text.size());
  call.meter().make(text.size());
  return text;
}

template <Side side>
Value strip_text(Call& call) {
  const std::string& text = charged_text(call);
  if (!call.has(0) || call[0].is(Kind::none)) return strip_space(text, side);
  call.meter().step(1 + text.size() / 64 * call.string(0).size() / 16);
  return strip(text, call.string(0), side);
}

template <std::string (*change)(std::string_view)>
Value change_text(Call& call) {
  return change(charged_text(call));
}

Value list_of(Call& call, const std::vector<std::string_view>& parts, ListFlavor flavor = ListFlavor::list) {
  call.meter().make(parts.size(), 4 * sizeof(Value));  // each one is a string of its own
  std::vector<Value> items(parts.begin(), parts.end());
  return make_list(call.meter(), std::move(items), flavor);
}

template <bool from_right>
Value split_text(Call& call) {
  const std::string& text = charged_text(call);
  int64_t limit = call.integer(1, -1);
  bool by_words = !call.has(0) || call[0].is(Kind::none);
  // The most parts that there can be.
  call.meter().make(text.size() / (by_words ? 2 : std::max<size_t>(1, call.string(0).size())),
                    sizeof(std::string_view));
  if (by_words) return list_of(call, split_words(text, limit, from_right));
  if (call.string(0).empty()) fail("split() needs a separator that is not empty");
  return list_of(call, split_at(text, call.string(0), limit, from_right));
}

Value split_text_lines(Call& call) {
  const std::string& text = charged_text(call);
  call.meter().make(text.size(), sizeof(std::string_view));
  return list_of(call, split_lines(text, call.flag(0, false)));
}

template <bool from_right>
Value partition_text(Call& call) {
  std::string_view text = charged_text(call), separator = call.string(0);
  if (separator.empty()) fail("partition() needs a separator that is not empty");
  size_t at = from_right ? find_last(text, separator) : find(text, separator);
  std::vector<std::string_view> parts = {text.substr(0, at), separator,
                                         text.substr(std::min(text.size(), at + separator.size()))};
  if (at == text.npos) parts = from_right ? decltype(parts){"", "", text} : decltype(parts){text, "", ""};
  return list_of(call, parts, ListFlavor::tuple);
}

template <bool at_start>
Value begins_or_ends(Call& call) {
  const std::string& text = call.text();
  auto matches = [&](const Value& part) {
    if (!part.is(Kind::string)) fail("startswith() and endswith() need strings, not {}", part.type_name());
    call.meter().scan(part.string().size());
    return at_start ? text.starts_with(part.string()) : text.ends_with(part.string());
  };
  if (!call[0].is(Kind::list)) return matches(call[0]);
  const auto& parts = call[0].list().items;
  return std::any_of(parts.begin(), parts.end(), matches);
}

Value replace_text(Call& call) {
  const std::string& text = charged_text(call);
  std::string_view from = call.string(0), to = call.string(1);
  int64_t limit = call.integer(2, -1);
  std::string out;
  size_t at = 0;
  auto put = [&](std::string_view piece) {
    call.meter().make(piece.size());
    out += piece;
  };
  if (from.empty()) {  // between all characters
    each_character(text, [&](std::string_view character) {
      if (limit != 0) put(to);
      if (limit > 0) --limit;
      put(character);
    });
    if (limit != 0) put(to);
    return out;
  }
  for (size_t found; limit != 0 && (found = find(text, from, at)) != text.npos; --limit) {
    put(std::string_view(text).substr(at, found - at));
    put(to);
    at = found + from.size();
  }
  put(std::string_view(text).substr(at));
  return out;
}

// The part of the text that find, index and count look at, and the number of characters before it.
std::string_view window(Call& call, size_t& before) {
  std::string_view text = charged_text(call);
  auto count = int64_t(count_characters(text));
  auto place = [&](size_t i, int64_t otherwise) {
    int64_t at = call.has(i) && !call[i].is(Kind::none) ? call.integer(i, 0) : otherwise;
    return std::clamp<int64_t>(at < 0 ? std::max(at, -count) + count : at, 0, count + 1);
  };
  int64_t start = place(1, 0), stop = std::min(place(2, count), count);
  before = size_t(start);
  if (start > stop) return {};
  size_t begin = byte_offset(text, before);
  return text.substr(begin, byte_offset(text.substr(begin), size_t(stop - start)));
}

template <bool from_right, bool must_exist>
Value find_text(Call& call) {
  std::string_view needle = call.string(0);
  size_t before = 0;
  std::string_view text = window(call, before);
  size_t at = text.data() == nullptr ? text.npos : from_right ? find_last(text, needle) : find(text, needle);
  if (at != text.npos) return int64_t(before + count_characters(text.substr(0, at)));
  if (must_exist) fail("'{}' is not in the text", needle);
  return -1;
}

Value count_in_text(Call& call) {
  std::string_view needle = call.string(0);
  size_t before = 0;
  std::string_view text = window(call, before);
  if (text.data() == nullptr) return 0;
  if (needle.empty()) return int64_t(count_characters(text)) + 1;
  int64_t count = 0;
  for (size_t at = 0; (at = find(text, needle, at)) != text.npos; at += needle.size()) ++count;
  return count;
}

Value join_text(Call& call) {
  const std::string& separator = call.text();
  Value list = as_list(call.machine, call[0]);
  std::string out;
  for (const Value& item : list.list().items) {
    if (!item.is(Kind::string)) fail("join() needs strings, not {}", item.type_name());
    call.meter().make(separator.size() + item.string().size());
    if (&item != list.list().items.data()) out += separator;
    out += item.string();
  }
  return out;
}

template <bool prefix>
Value remove_affix(Call& call) {
  std::string_view text = charged_text(call), affix = call.string(0);
  if (prefix && text.starts_with(affix)) text.remove_prefix(affix.size());
  if (!prefix && text.ends_with(affix)) text.remove_suffix(affix.size());
  return text;
}

template <bool (*is_class)(uint32_t)>
Value all_characters(Call& call) {
  std::string_view text = charged_text(call);
  if (text.empty()) return false;
  bool all = true;
  each_character(text,
                 [&](std::string_view character) { all = all && is_class(first_character(character).code); });
  return all;
}
bool is_letter_or_digit(uint32_t code) { return is_letter(code) || is_digit(code); }

template <std::string (*change)(std::string_view)>
Value is_unchanged_by(Call& call) {
  const std::string& text = charged_text(call);
  return upper(text) != lower(text) && change(text) == text;
}

std::string swap_case(std::string_view text) {
  std::string out;
  each_character(text, [&](std::string_view character) {
    std::string raised = upper(character);
    out += raised == character ? lower(character) : raised;
  });
  return out;
}

// Padding on the left, the right or both sides up to a width in characters.
template <Side side>
Value pad_text(Call& call) {
  const std::string& text = charged_text(call);
  int64_t missing = call.integer(0, 0) - int64_t(count_characters(text));
  if (missing <= 0) return text;
  std::string_view fill = call.string(1, " ");
  if (count_characters(fill) != 1) fail("one character is needed to pad with");
  call.meter().make(size_t(missing), fill.size());
  size_t left = side == Side::left ? size_t(missing) : side == Side::right ? 0 : size_t(missing) / 2;
  if (side == Side::both && (missing & call.integer(0, 0) & 1)) ++left;  // as CPython rounds
  std::string out;
  for (size_t i = 0; i < left; ++i) out += fill;
  out += text;
  for (size_t i = left; i < size_t(missing); ++i) out += fill;
  return out;
}

Value fill_with_zeros(Call& call) {
  std::string_view text = charged_text(call);
  int64_t missing = call.integer(0, 0) - int64_t(count_characters(text));
  if (missing <= 0) return text;
  call.meter().make(size_t(missing), 1);
  size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+');
  return std::string(text.substr(0, sign)) + std::string(size_t(missing), '0') +
         std::string(text.substr(sign));
}

constexpr Builtin kStringMethods[] = {
    {"strip", "chars", 0, strip_text<Side::both>},
    {"lstrip", "chars", 0, strip_text<Side::left>},
    {"rstrip", "chars", 0, strip_text<Side::right>},
    {"split", "sep maxsplit", 0, split_text<false>},
    {"rsplit", "sep maxsplit", 0, split_text<true>},
    {"splitlines", "keepends", 0, split_text_lines},
    {"partition", "sep", 1, partition_text<false>},
    {"rpartition", "sep", 1, partition_text<true>},
    {"startswith", "prefix", 1, begins_or_ends<true>},
    {"endswith", "suffix", 1, begins_or_ends<false>},
    {"replace", "old new count", 2, replace_text},
    {"find", "sub start end", 1, find_text<false, false>},
    {"rfind", "sub start end", 1, find_text<true, false>},
    {"index", "sub start end", 1, find_text<false, true>},
    {"rindex", "sub start end", 1, find_text<true, true>},
    {"count", "sub start end", 1, count_in_text},
    {"join", "iterable", 1, join_text},
    {"format", "*", 0, format_braces},
    {"removeprefix", "prefix", 1, remove_affix<true>},
    {"removesuffix", "suffix", 1, remove_affix<false>},
    {"upper", "", 0, change_text<upper>},
    {"lower", "", 0, change_text<lower>},
    {"casefold", "", 0, change_text<lower>},
    {"title", "", 0, change_text<title>},
    {"capitalize", "", 0, change_text<capitalize>},
    {"swapcase", "", 0, change_text<swap_case>},
    {"isdigit", "", 0, all_characters<is_digit>},
    {"isdecimal", "", 0, all_characters<is_digit>},
    {"isnumeric", "", 0, all_characters<is_digit>},
    {"isalpha", "", 0, all_characters<is_letter>},
    {"isalnum", "", 0, all_characters<is_letter_or_digit>},
    {"isspace", "", 0, all_characters<is_space>},
    {"islower", "", 0, is_unchanged_by<lower>},
    {"isupper", "", 0, is_unchanged_by<upper>},
    {"ljust", "width fillchar", 1, pad_text<Side::right>},
    {"rjust", "width fillchar", 1, pad_text<Side::left>},
    {"center", "width fillchar", 1, pad_text<Side::both>},
    {"zfill", "width", 1, fill_with_zeros},
};

// --- lists

Value index_in_list(Call& call) {
  const auto& items = call.self.list().items;
  for (size_t i = 0; i < items.size(); ++i) {
    call.meter().step();
    if (equal(call.meter(), items[i], call[0])) return int64_t(i);
  }
  fail("the value is not in the list");
}

Value count_in_list(Call& call) {
  int64_t count = 0;
  for (const Value& item : call.self.list().items) {
    call.meter().step();
    count += equal(call.meter(), item, call[0]);
  }
  return count;
}

Value itself(Call& call) { return call.self; }

constexpr Builtin kTupleMethods[] = {
    {"index", "value", 1, index_in_list},
    {"count", "value", 1, count_in_list},
};
constexpr Builtin kListMethods[] = {
    {"index", "value", 1, index_in_list},
    {"count", "value", 1, count_in_list},
    {"copy", "", 0, itself},
    {"append", "", 0, nullptr},
    {"clear", "", 0, nullptr},
    {"extend", "", 0, nullptr},
    {"insert", "", 0, nullptr},
    {"pop", "", 0, nullptr},
    {"remove", "", 0, nullptr},
    {"reverse", "", 0, nullptr},
    {"sort", "", 0, nullptr},
};

// --- dicts

Value get_from_dict(Call& call) {
  call.meter().step(call.self.dict().search_steps(call[0]));
  const Value* value = call.self.dict().find(call[0]);
  return value != nullptr ? *value : call.has(1) ? call[1] : Value::none();
}

Value dict_items(Call& call) {
  std::vector<Value> items;
  for (const auto& [key, value] : call.self.dict().entries()) {
    items.push_back(make_list(call.meter(), {key, value}, ListFlavor::tuple));
  }
  return make_list(call.meter(), std::move(items), ListFlavor::items);
}

Value dict_keys(Call& call) {
  std::vector<Value> items;
  for (const auto& [key, value] : call.self.dict().entries()) items.push_back(key);
  return make_list(call.meter(), std::move(items), ListFlavor::keys);
}

Value dict_values(Call& call) {
  std::vector<Value> items;
  for (const auto& [key, value] : call.self.dict().entries()) items.push_back(value);
  return make_list(call.meter(), std::move(items), ListFlavor::values);
}

constexpr Builtin kDictMethods[] = {
    {"get", "key default", 1, get_from_dict},
    {"items", "", 0, dict_items},
    {"keys", "", 0, dict_keys},
    {"values", "", 0, dict_values},
    {"copy", "", 0, itself},
    {"clear", "", 0, nullptr},
    {"pop", "", 0, nullptr},
    {"popitem", "", 0, nullptr},
    {"setdefault", "", 0, nullptr},
    {"update", "", 0, nullptr},
};

template <size_t N>
const Builtin* find_row(const Builtin (&rows)[N], std::string_view name) {
  for (const Builtin& row : rows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace

const Builtin* find_method(const Value& self, std::string_view name) {
  if (self.is(Kind::string)) return find_row(kStringMethods, name);
  if (self.is(Kind::dict)) return find_row(kDictMethods, name);
  if (!self.is(Kind::list)) return nullptr;
  if (self.list().flavor == ListFlavor::list) return find_row(kListMethods, name);
  return self.list().flavor <= ListFlavor::range ? find_row(kTupleMethods, name) : nullptr;
}

}  // namespace troika::text::jinja
