// UTF-8 by the table of well-formed sequences, and NFC: decomposition and composition tables are utf8proc's,
// the ordering of combining marks is ours, because utf8proc's insertion sort takes quadratic time on hostile
// text.
#include "text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/error.h"

namespace troika::text {
namespace {

// Unicode table 3-7: how long a sequence is and what its second byte may be, by its first byte.
struct Lead {
  int bytes;
  uint8_t low, high;
};

constexpr Lead lead_of(uint8_t first) {
  if (first < 0x80) return {1, 0, 0};
  if (first < 0xC2) return {0, 0, 0};  // a continuation byte, or an overlong form
  if (first < 0xE0) return {2, 0x80, 0xBF};
  if (first == 0xE0) return {3, 0xA0, 0xBF};  // not overlong
  if (first == 0xED) return {3, 0x80, 0x9F};  // not a surrogate
  if (first < 0xF0) return {3, 0x80, 0xBF};
  if (first == 0xF0) return {4, 0x90, 0xBF};  // not overlong
  if (first < 0xF4) return {4, 0x80, 0xBF};
  if (first == 0xF4) return {4, 0x80, 0x8F};  // not above U+10FFFF
  return {0, 0, 0};
}

size_t ascii_prefix(std::string_view text) {
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    if (word & 0x8080808080808080u) break;
  }
  while (at < text.size() && static_cast<uint8_t>(text[at]) < 0x80) ++at;
  return at;
}

// Characters that are in form C wherever they stand: combining class 0, their own normal form, never the
// second half of a composition. Not all of them, but most of what people write; a test checks every one.
struct Range {
  char32_t first, last;
};
constexpr std::array kInert = {
    Range{0x0000, 0x02FF},    // Latin
    Range{0x0400, 0x0482},    // Cyrillic
    Range{0x2010, 0x2027},    // dashes, quotes
    Range{0x2030, 0x205E},    // per mille, primes
    Range{0x2500, 0x27BF},    // box drawing, symbols
    Range{0x3001, 0x3029},    // CJK punctuation
    Range{0x3041, 0x3096},    // Hiragana
    Range{0x30A1, 0x30FC},    // Katakana
    Range{0x4E00, 0x9FFF},    // CJK ideographs
    Range{0xAC00, 0xD7A3},    // Hangul syllables
    Range{0xFF01, 0xFFEF},    // full width forms
    Range{0x1F300, 0x1F9FF},  // pictographs
};

bool inert(char32_t character) {
  for (const Range& range : kInert) {
    if (character <= range.last) return character >= range.first;
  }
  return false;
}

// The canonical decomposition of all of `text`, combining marks in canonical order.
std::vector<utf8proc_int32_t> decompose(std::string_view text) {
  std::vector<utf8proc_int32_t> out;
  out.reserve(text.size());
  std::array<utf8proc_int32_t, 32> parts;  // the longest canonical decomposition of one character has 4
  while (!text.empty()) {
    const Utf8Step step = read_utf8(text);
    text.remove_prefix(step.bytes);
    int last_boundary = 0;
    const utf8proc_ssize_t count = utf8proc_decompose_char(
        static_cast<utf8proc_int32_t>(step.character), parts.data(), parts.size(),
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE), &last_boundary);
    check(count > 0 && count <= static_cast<utf8proc_ssize_t>(parts.size()),
          "decomposition of one character");
    out.insert(out.end(), parts.begin(), parts.begin() + count);
  }
  const auto combining_class = [](utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; };
  for (auto run = out.begin(); run != out.end();) {
    if (combining_class(*run) == 0) {
      ++run;
      continue;
    }
    const auto end = std::find_if(run, out.end(), [&](auto c) { return combining_class(c) == 0; });
    std::stable_sort(run, end, [&](auto a, auto b) { return combining_class(a) < combining_class(b); });
    run = end;
  }
  return out;
}

}  // namespace

Utf8Step read_utf8(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const Lead lead = lead_of(byte(0));
  if (lead.bytes == 0) return {Utf8::broken, 1, 0xFFFD};
  if (lead.bytes == 1) return {Utf8::character, 1, byte(0)};
  char32_t character = byte(0) & (0x7F >> lead.bytes);
  for (size_t i = 1; i < static_cast<size_t>(lead.bytes); ++i) {
    if (i == text.size()) return {Utf8::incomplete, i, 0xFFFD};
    const uint8_t low = i == 1 ? lead.low : 0x80, high = i == 1 ? lead.high : 0xBF;
    if (byte(i) < low || byte(i) > high) return {Utf8::broken, i, 0xFFFD};
    character = character << 6 | (byte(i) & 0x3F);
  }
  return {Utf8::character, static_cast<size_t>(lead.bytes), character};
}

void append_utf8(std::string& out, char32_t c) {
  const auto put = [&](char32_t value) { out.push_back(static_cast<char>(value)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6), put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 0x3F)), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  }
}

bool valid_utf8(std::string_view text) {
  while (true) {
    text.remove_prefix(ascii_prefix(text));
    if (text.empty()) return true;
    const Utf8Step step = read_utf8(text);
    if (step.kind != Utf8::character) return false;
    text.remove_prefix(step.bytes);
  }
}

std::string sanitize_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const size_t plain = ascii_prefix(bytes);
    out.append(bytes.substr(0, plain));
    bytes.remove_prefix(plain);
    if (bytes.empty()) break;
    const Utf8Step step = read_utf8(bytes);
    out.append(step.kind == Utf8::character ? bytes.substr(0, step.bytes) : kReplacement);
    bytes.remove_prefix(step.bytes);
  }
  return out;
}

bool surely_nfc(std::string_view text) {
  while (true) {
    text.remove_prefix(ascii_prefix(text));
    if (text.empty()) return true;
    const Utf8Step step = read_utf8(text);
    if (!inert(step.character)) return false;
    text.remove_prefix(step.bytes);
  }
}

std::string nfc(std::string_view text) {
  if (surely_nfc(text)) return std::string(text);
  std::vector<utf8proc_int32_t> characters = decompose(text);
  const utf8proc_ssize_t count =
      utf8proc_normalize_utf32(characters.data(), static_cast<utf8proc_ssize_t>(characters.size()),
                               static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  check(count >= 0, "composition");
  std::string out;
  out.reserve(text.size());
  for (utf8proc_ssize_t i = 0; i < count; ++i) append_utf8(out, static_cast<char32_t>(characters[i]));
  return out;
}

}  // namespace troika::text
