// Python's str on UTF-8. Character classes come from utf8proc, except space, whose short list Python fixes.
#include "text/jinja_string.h"

#include <string.h>  // memmem: linear for every needle, unlike string_view::find
#include <utf8proc.h>

#include <algorithm>
#include <utility>

namespace troika::text::jinja {

namespace {

constexpr uint32_t kStray = 0xFFFFFFFF;

template <typename Change>
std::string map_characters(std::string_view text, Change change) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    auto [code, bytes] = first_character(text);
    uint32_t changed = code == kStray ? kStray : change(code);
    if (changed == code) {
      out.append(text.substr(0, bytes));
    } else {
      append_character(out, changed);
    }
    text.remove_prefix(bytes);
  }
  return out;
}

bool is_cased(uint32_t code) { return upper(code) != code || lower(code) != code; }

// The last character of non-empty text.
std::string_view last_character(std::string_view text) {
  for (size_t bytes = 1; bytes <= std::min<size_t>(4, text.size()); ++bytes) {
    std::string_view tail = text.substr(text.size() - bytes);
    Character character = first_character(tail);
    if (character.code != kStray && size_t(character.bytes) == bytes) return tail;
  }
  return text.substr(text.size() - 1);
}

template <typename Matches>
std::string_view strip_while(std::string_view text, Side side, Matches matches) {
  while (side != Side::right && !text.empty()) {
    auto first = text.substr(0, first_character(text).bytes);
    if (!matches(first)) break;
    text.remove_prefix(first.size());
  }
  while (side != Side::left && !text.empty()) {
    auto last = last_character(text);
    if (!matches(last)) break;
    text.remove_suffix(last.size());
  }
  return text;
}

}  // namespace

Character first_character(std::string_view text) {
  if (static_cast<unsigned char>(text[0]) < 0x80) return {uint32_t(text[0]), 1};
  utf8proc_int32_t code;
  auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                utf8proc_ssize_t(std::min<size_t>(text.size(), 4)), &code);
  if (bytes <= 0) return {kStray, 1};
  return {uint32_t(code), int(bytes)};
}

void append_character(std::string& out, uint32_t code) {
  utf8proc_uint8_t bytes[4];
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) code = 0xFFFD;
  auto size = utf8proc_encode_char(utf8proc_int32_t(code), bytes);
  out.append(reinterpret_cast<const char*>(bytes), size_t(size));
}

size_t count_characters(std::string_view text) {
  size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(first_character(text).bytes);
  return count;
}

size_t byte_offset(std::string_view text, size_t characters) {
  size_t at = 0;
  for (; characters > 0 && at < text.size(); --characters) at += first_character(text.substr(at)).bytes;
  return at;
}

std::vector<std::string_view> split_characters(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    out.push_back(text.substr(0, first_character(text).bytes));
    text.remove_prefix(out.back().size());
  }
  return out;
}

bool is_space(uint32_t code) {
  return (code >= 9 && code <= 13) || (code >= 0x1C && code <= 0x20) || code == 0x85 || code == 0xA0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
         code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_printable(uint32_t code) {
  if (code < 0x7F) return code >= 0x20;
  if (code == kStray) return false;
  switch (utf8proc_category(utf8proc_int32_t(code))) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    default:
      return true;
  }
}

bool is_letter(uint32_t code) {
  if (code == kStray) return false;
  auto category = utf8proc_category(utf8proc_int32_t(code));
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool is_digit(uint32_t code) {
  return code != kStray && utf8proc_category(utf8proc_int32_t(code)) == UTF8PROC_CATEGORY_ND;
}

uint32_t upper(uint32_t code) {
  return code == kStray ? code : uint32_t(utf8proc_toupper(utf8proc_int32_t(code)));
}
uint32_t lower(uint32_t code) {
  return code == kStray ? code : uint32_t(utf8proc_tolower(utf8proc_int32_t(code)));
}

std::string upper(std::string_view text) {
  return map_characters(text, [](uint32_t code) { return upper(code); });
}
std::string lower(std::string_view text) {
  return map_characters(text, [](uint32_t code) { return lower(code); });
}

std::string capitalize(std::string_view text) {
  bool first = true;
  return map_characters(
      text, [&](uint32_t code) { return std::exchange(first, false) ? upper(code) : lower(code); });
}

std::string title(std::string_view text) {
  bool in_word = false;
  return map_characters(text, [&](uint32_t code) {
    uint32_t changed = in_word ? lower(code) : upper(code);
    in_word = is_cased(code);
    return changed;
  });
}

std::string_view strip_space(std::string_view text, Side side) {
  return strip_while(text, side, [](std::string_view c) { return is_space(first_character(c).code); });
}

std::string_view strip(std::string_view text, std::string_view characters, Side side) {
  return strip_while(text, side, [&](std::string_view c) { return find(characters, c) != characters.npos; });
}

size_t find(std::string_view text, std::string_view needle, size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (needle.empty()) return from;
  const void* found = memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  return found == nullptr ? std::string_view::npos : size_t(static_cast<const char*>(found) - text.data());
}

size_t find_last(std::string_view text, std::string_view needle) {
  if (needle.empty()) return text.size();
  // The last match of a text is the first match of the reversed texts.
  std::string reversed(text.rbegin(), text.rend()), reversed_needle(needle.rbegin(), needle.rend());
  size_t at = find(reversed, reversed_needle);
  return at == std::string_view::npos ? at : text.size() - at - needle.size();
}

std::vector<std::string_view> split_at(std::string_view text, std::string_view separator, int64_t limit,
                                       bool from_right) {
  std::vector<std::string_view> parts;
  if (!from_right) {
    size_t start = 0;
    for (size_t at; limit != 0 && (at = find(text, separator, start)) != text.npos; --limit) {
      parts.push_back(text.substr(start, at - start));
      start = at + separator.size();
    }
    parts.push_back(text.substr(start));
    return parts;
  }
  std::string reversed(text.rbegin(), text.rend()), reversed_separator(separator.rbegin(), separator.rend());
  for (std::string_view part : split_at(reversed, reversed_separator, limit, false)) {
    size_t from_end = size_t(part.data() - reversed.data());
    parts.push_back(text.substr(text.size() - from_end - part.size(), part.size()));
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string_view> split_words(std::string_view text, int64_t limit, bool from_right) {
  std::vector<std::string_view> words;
  Side near = from_right ? Side::right : Side::left;
  for (text = strip_space(text, near); !text.empty(); text = strip_space(text, near)) {
    if (limit-- == 0) {
      words.push_back(text);  // with its space at the far end, as Python leaves it
      break;
    }
    auto not_space = [](std::string_view c) { return !is_space(first_character(c).code); };
    std::string_view rest = strip_while(text, near, not_space);
    size_t length = text.size() - rest.size();
    words.push_back(from_right ? text.substr(rest.size()) : text.substr(0, length));
    text = rest;
  }
  if (from_right) std::reverse(words.begin(), words.end());
  return words;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  size_t start = 0;
  for (size_t at = 0; at < text.size();) {
    auto [code, bytes] = first_character(text.substr(at));
    bool ends = (code >= 10 && code <= 13) || (code >= 0x1C && code <= 0x1E) || code == 0x85 ||
                code == 0x2028 || code == 0x2029;
    size_t end = at + size_t(bytes);
    if (code == '\r' && end < text.size() && text[end] == '\n') ++end;
    if (ends) {
      lines.push_back(text.substr(start, (keep_ends ? end : at) - start));
      start = end;
    }
    at = end;
  }
  if (start < text.size()) lines.push_back(text.substr(start));
  return lines;
}

}  // namespace troika::text::jinja
