// GPT-2's byte alphabet: vocabularies of byte-level BPE write each byte as one printable character, so that
// they can be kept in JSON. Printable Latin-1 stands for itself; the 68 other bytes are U+0100 and up, in
// order.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace troika::text {

// The raw bytes, or nothing when `text` holds a character outside the alphabet.
std::optional<std::string> from_byte_alphabet(std::string_view text);

std::string to_byte_alphabet(std::string_view bytes);

}  // namespace troika::text
