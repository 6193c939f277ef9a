// Python's str operations on UTF-8: lengths, positions and slices count characters, case and space follow
// Unicode. A byte that belongs to no valid character counts as a character of its own, so nothing here can
// fail on bad text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troika::text::jinja {

// The first character of non-empty text and its length in bytes; 0xFFFFFFFF for a stray byte.
struct Character {
  uint32_t code;
  int bytes;
};
Character first_character(std::string_view text);
void append_character(std::string& out, uint32_t code);

size_t count_characters(std::string_view text);
size_t byte_offset(std::string_view text,
                   size_t characters);  // of the character with this number, or the end
std::vector<std::string_view> split_characters(
    std::string_view text);  // 16 bytes for each: charge them before

// Calls visit(std::string_view) for each character.
template <typename Visit>
void each_character(std::string_view text, Visit visit) {
  while (!text.empty()) {
    auto bytes = size_t(first_character(text).bytes);
    visit(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
}

bool is_space(uint32_t code);
bool is_printable(uint32_t code);
bool is_letter(uint32_t code);
bool is_digit(uint32_t code);
uint32_t upper(uint32_t code);
uint32_t lower(uint32_t code);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string capitalize(std::string_view text);
std::string title(std::string_view text);

enum class Side { left, right, both };
std::string_view strip_space(std::string_view text, Side side = Side::both);
std::string_view strip(std::string_view text, std::string_view characters, Side side = Side::both);

// The byte position of `needle` at or after `from`, npos if absent; linear whatever the texts are.
size_t find(std::string_view text, std::string_view needle, size_t from = 0);
size_t find_last(std::string_view text, std::string_view needle);

// `limit` < 0: no limit.
std::vector<std::string_view> split_at(std::string_view text, std::string_view separator, int64_t limit,
                                       bool from_right);
std::vector<std::string_view> split_words(std::string_view text, int64_t limit, bool from_right);
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);

}  // namespace troika::text::jinja
