// The alphabet as two tables, filled at compile time.
#include "text/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "text/unicode.h"

namespace troika::text {
namespace {

constexpr int kLetters = 0x100 + 68;

struct Alphabet {
  std::array<char32_t, 256> letter{};
  std::array<int16_t, kLetters> byte{};  // -1: not a letter of the alphabet
};

constexpr Alphabet make_alphabet() {
  Alphabet alphabet;
  for (auto& byte : alphabet.byte) byte = -1;
  char32_t next = 0x100;
  for (int b = 0; b < 256; ++b) {
    const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
    alphabet.letter[b] = printable ? static_cast<char32_t>(b) : next++;
    alphabet.byte[alphabet.letter[b]] = static_cast<int16_t>(b);
  }
  return alphabet;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

std::optional<std::string> from_byte_alphabet(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const Utf8Step step = read_utf8(text);
    if (step.character >= kLetters || kAlphabet.byte[step.character] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(kAlphabet.byte[step.character]));
    text.remove_prefix(step.bytes);
  }
  return bytes;
}

std::string to_byte_alphabet(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) append_utf8(text, kAlphabet.letter[static_cast<uint8_t>(byte)]);
  return text;
}

}  // namespace troika::text
