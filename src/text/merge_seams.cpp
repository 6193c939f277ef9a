// A table of bits for pairs of ASCII characters, a hash set for all others.
#include "text/merge_seams.h"

#include <bit>

#include "base/error.h"

namespace troika::text {
namespace {

constexpr char32_t kAscii = 0x80;
constexpr uint64_t kEmpty = ~uint64_t{0};

uint64_t key_of(char32_t left, char32_t right) { return uint64_t{left} << 32 | right; }

size_t hash_of(uint64_t key) {
  key *= 0x9E3779B97F4A7C15u;
  return static_cast<size_t>(key ^ key >> 32);
}

// The character at `at` of valid UTF-8; `at` moves behind it.
char32_t take(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<char32_t>(static_cast<uint8_t>(text[at + i])); };
  const char32_t first = byte(0);
  if (first < 0x80) return ++at, first;
  char32_t character;
  size_t bytes;
  if (first < 0xE0) {
    character = (first & 0x1F) << 6 | (byte(1) & 0x3F);
    bytes = 2;
  } else if (first < 0xF0) {
    character = (first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    bytes = 3;
  } else {
    character = (first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
    bytes = 4;
  }
  at += bytes;
  return character;
}

char32_t last_of(std::string_view text) {
  size_t at = text.size() - 1;
  while ((static_cast<uint8_t>(text[at]) & 0xC0) == 0x80) --at;
  return take(text, at);
}

char32_t first_of(std::string_view text) {
  size_t at = 0;
  return take(text, at);
}

}  // namespace

MergeSeams::MergeSeams(size_t merges)
    : ascii_(size_t{kAscii} * kAscii, false), pairs_(std::bit_ceil(merges * 2 + 16), kEmpty) {}

void MergeSeams::add_merge(std::string_view left_part, std::string_view right_part) {
  check(!left_part.empty() && !right_part.empty(), "parts of a merge");
  const char32_t left = last_of(left_part), right = first_of(right_part);
  if (left < kAscii && right < kAscii) {
    ascii_[left * kAscii + right] = true;
    return;
  }
  check(2 * used_ < pairs_.size(), "as many merges as announced");
  const uint64_t key = key_of(left, right);
  size_t at = hash_of(key) & (pairs_.size() - 1);
  while (pairs_[at] != kEmpty && pairs_[at] != key) at = (at + 1) & (pairs_.size() - 1);
  used_ += pairs_[at] == kEmpty;
  pairs_[at] = key;
}

bool MergeSeams::meet(char32_t left, char32_t right) const {
  if (left < kAscii && right < kAscii) return ascii_[left * kAscii + right];
  const uint64_t key = key_of(left, right);
  size_t at = hash_of(key) & (pairs_.size() - 1);
  while (pairs_[at] != kEmpty && pairs_[at] != key) at = (at + 1) & (pairs_.size() - 1);
  return pairs_[at] == key;
}

size_t MergeSeams::first_stretch(std::string_view text) const {
  size_t at = 0;
  char32_t left = take(text, at);
  while (at < text.size()) {
    size_t behind = at;
    const char32_t right = take(text, behind);
    if (!meet(left, right)) break;
    at = behind;
    left = right;
  }
  return at;
}

}  // namespace troika::text
