// UTF-8 and Unicode normalisation: the few operations that tokenizers need. Text that comes from outside is
// made valid once, with `sanitize_utf8`; everything behind that may rely on it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace troika::text {

enum class Utf8 {
  character,   // one whole, valid character
  broken,      // a maximal subpart that can never become a character: one U+FFFD stands for it
  incomplete,  // the text ends inside a character that is valid so far
};

struct Utf8Step {
  Utf8 kind;
  size_t bytes;        // at least 1
  char32_t character;  // U+FFFD unless kind is `character`
};

inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// What stands at the front of `text`, which must not be empty.
Utf8Step read_utf8(std::string_view text);

void append_utf8(std::string& out, char32_t character);

bool valid_utf8(std::string_view text);

// Every maximal invalid subpart (Unicode 3.9, table 3-8) becomes one U+FFFD: E2 82 is one, ED A0 80 are
// three.
std::string sanitize_utf8(std::string_view bytes);

// True when a quick look proves that `text` is in normalisation form C already; false means "perhaps not".
bool surely_nfc(std::string_view text);

// Normalisation form C of valid UTF-8. Linear but for sorting runs of combining marks.
std::string nfc(std::string_view text);

}  // namespace troika::text
