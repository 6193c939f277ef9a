// Printing recurses into lists and dicts; Value bounds their depth, the meter bounds what they unfold to.
#include "text/jinja_print.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/jinja_string.h"

namespace troika::text::jinja {

namespace {

void append(Meter& meter, std::string& out, std::string_view text) {
  meter.make(text.size());
  out.append(text);
}

// 'text' in Python's quotes: single ones, unless that would need a backslash and double ones would not.
void print_quoted(Meter& meter, std::string_view text, std::string& out) {
  bool has_single = text.find('\'') != text.npos, has_double = text.find('"') != text.npos;
  char quote = has_single && !has_double ? '"' : '\'';
  meter.make(text.size() + 2);
  out += quote;
  while (!text.empty()) {
    auto [code, bytes] = first_character(text);
    std::string_view plain = text.substr(0, size_t(bytes));
    if (code == uint32_t(quote) || code == '\\') {
      out += '\\';
      out += char(code);
    } else if (code == '\n') {
      out += "\\n";
    } else if (code == '\r') {
      out += "\\r";
    } else if (code == '\t') {
      out += "\\t";
    } else if (is_printable(code)) {
      out += plain;
    } else if (meter.make(10); code > 0x10FFFF) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(plain[0]));
    } else {
      out += code < 0x100     ? fmt::format("\\x{:02x}", code)
             : code < 0x10000 ? fmt::format("\\u{:04x}", code)
                              : fmt::format("\\U{:08x}", code);
    }
    text.remove_prefix(size_t(bytes));
  }
  out += quote;
}

void print_items(Meter& meter, const List& list, std::string& out) {
  for (size_t i = 0; i < list.items.size(); ++i) {
    if (i != 0) append(meter, out, ", ");
    print_repr(meter, list.items[i], out);
  }
}

void print_list(Meter& meter, const Value& value, std::string& out) {
  const List& list = value.list();
  switch (list.flavor) {
    case ListFlavor::tuple:
      append(meter, out, "(");
      print_items(meter, list, out);
      append(meter, out, list.items.size() == 1 ? ",)" : ")");
      return;
    case ListFlavor::keys:
    case ListFlavor::values:
    case ListFlavor::items:
      append(meter, out, value.type_name());
      append(meter, out, "([");
      print_items(meter, list, out);
      append(meter, out, "])");
      return;
    case ListFlavor::iterator:
      append(meter, out, "<generator object>");
      return;
    case ListFlavor::range:
    case ListFlavor::list:
      break;
  }
  append(meter, out, "[");
  print_items(meter, list, out);
  append(meter, out, "]");
}

class JsonPrinter {
 public:
  JsonPrinter(Meter& meter, const JsonStyle& style, std::string& out)
      : meter_(meter), style_(style), out_(out) {}

  void print(const Value& value, int level) {
    meter_.step();
    switch (value.kind()) {
      case Kind::none:
        return append(meter_, out_, "null");
      case Kind::boolean:
        return append(meter_, out_, value.boolean() ? "true" : "false");
      case Kind::integer:
        return append(meter_, out_, std::to_string(value.integer()));
      case Kind::big:
        return append(meter_, out_, std::to_string(value.big()));
      case Kind::real:
        return append(meter_, out_, real(value.number()));
      case Kind::string:
        return print_string(value.string());
      case Kind::dict:
        return print_dict(value.dict(), level);
      case Kind::list:
        if (value.list().flavor <= ListFlavor::tuple) return print_list(value.list(), level);
        break;
      case Kind::missing:
      case Kind::undefined:
      case Kind::object:
      case Kind::builtin:
      case Kind::method:
        break;
    }
    if (value.is(Kind::undefined)) fail("tojson: {}", value.why_undefined());
    fail("tojson: a value of type {} is not JSON", value.type_name());
  }

 private:
  static std::string real(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
    return print_real(value);
  }

  void line(int level) {
    if (!style_.indented) return;
    meter_.make(style_.indent.size() * size_t(level) + 1);
    out_ += '\n';
    for (int i = 0; i < level; ++i) out_ += style_.indent;
  }

  void print_list(const List& list, int level) {
    append(meter_, out_, "[");
    for (size_t i = 0; i < list.items.size(); ++i) {
      if (i != 0) append(meter_, out_, style_.between);
      line(level + 1);
      print(list.items[i], level + 1);
    }
    if (!list.items.empty()) line(level);
    append(meter_, out_, "]");
  }

  void print_dict(const Dict& dict, int level) {
    std::vector<const Dict::Entry*> entries;
    meter_.make(dict.size() * sizeof(entries[0]));
    for (const auto& entry : dict.entries()) entries.push_back(&entry);
    if (style_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(),
                       [&](auto* a, auto* b) { return less(meter_, a->first, b->first); });
    }
    append(meter_, out_, "{");
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i != 0) append(meter_, out_, style_.between);
      line(level + 1);
      print_key(entries[i]->first);
      append(meter_, out_, style_.after_key);
      print(entries[i]->second, level + 1);
    }
    if (!entries.empty()) line(level);
    append(meter_, out_, "}");
  }

  void print_key(const Value& key) {
    if (key.is(Kind::string)) return print_string(key.string());
    append(meter_, out_, "\"");
    print(key, 0);
    append(meter_, out_, "\"");
  }

  void print_string(std::string_view text) {
    meter_.make(text.size() + 2);
    out_ += '"';
    while (!text.empty()) {
      auto [code, bytes] = first_character(text);
      std::string_view plain = text.substr(0, size_t(bytes));
      text.remove_prefix(size_t(bytes));
      switch (code) {
        case '"':
          out_ += "\\\"";
          continue;
        case '\\':
          out_ += "\\\\";
          continue;
        case '\n':
          out_ += "\\n";
          continue;
        case '\r':
          out_ += "\\r";
          continue;
        case '\t':
          out_ += "\\t";
          continue;
        case '\f':
          out_ += "\\f";
          continue;
        case '\b':
          out_ += "\\b";
          continue;
        default:
          break;
      }
      if (code >= 0x20 && (code < 0x80 || !style_.ascii || code > 0x10FFFF)) {
        out_ += plain;
      } else if (meter_.make(12); code < 0x10000) {
        out_ += fmt::format("\\u{:04x}", code);
      } else {
        out_ += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((code - 0x10000) >> 10), 0xDC00 + (code & 0x3FF));
      }
    }
    out_ += '"';
  }

  Meter& meter_;
  const JsonStyle& style_;
  std::string& out_;
};

}  // namespace

void print(Meter& meter, const Value& value, std::string& out) {
  if (value.is(Kind::string)) return append(meter, out, value.string());
  if (value.is(Kind::undefined) || value.is(Kind::missing)) return;
  print_repr(meter, value, out);
}

std::string to_text(Meter& meter, const Value& value) {
  std::string out;
  print(meter, value, out);
  return out;
}

void print_repr(Meter& meter, const Value& value, std::string& out) {
  meter.step();
  switch (value.kind()) {
    case Kind::missing:
    case Kind::undefined:
      return append(meter, out, "Undefined");
    case Kind::none:
      return append(meter, out, "None");
    case Kind::boolean:
      return append(meter, out, value.boolean() ? "True" : "False");
    case Kind::integer:
      return append(meter, out, std::to_string(value.integer()));
    case Kind::big:
      return append(meter, out, std::to_string(value.big()));
    case Kind::real:
      return append(meter, out, print_real(value.number()));
    case Kind::string:
      return print_quoted(meter, value.string(), out);
    case Kind::list:
      return print_list(meter, value, out);
    case Kind::dict: {
      append(meter, out, "{");
      bool first = true;
      for (const auto& [key, item] : value.dict().entries()) {
        if (!std::exchange(first, false)) append(meter, out, ", ");
        print_repr(meter, key, out);
        append(meter, out, ": ");
        print_repr(meter, item, out);
      }
      return append(meter, out, "}");
    }
    case Kind::object:
    case Kind::builtin:
    case Kind::method:  // nothing but the kind of thing: no address of ours reaches a prompt
      return append(meter, out, fmt::format("<{}>", value.type_name()));
  }
}

void print_json(Meter& meter, const Value& value, const JsonStyle& style, std::string& out) {
  JsonPrinter(meter, style, out).print(value, 0);
}

std::string print_real(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific).ptr;
  std::string_view scientific(buffer, size_t(end - buffer));
  int exponent = 0;
  size_t e = scientific.find('e');
  std::from_chars(buffer + e + (buffer[e + 1] == '+' ? 2 : 1), end, exponent);
  if (exponent < -4 || exponent >= 16) return std::string(scientific);
  end = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::fixed).ptr;
  std::string fixed(buffer, end);
  if (fixed.find('.') == fixed.npos) fixed += ".0";
  return fixed;
}

}  // namespace troika::text::jinja
