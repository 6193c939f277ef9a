// A set of characters as sequences of byte ranges: each sequence matches only whole characters of the set in
// UTF-8, and together they match all of them.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "grammar/char_set.h"

namespace troika::grammar {

struct ByteRange {
  uint8_t first = 0, last = 0;
};

namespace detail {

inline int utf8_length(char32_t c) { return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4; }

inline void encode(char32_t c, int length, std::array<uint8_t, 4>& out) {
  static constexpr uint8_t kLead[] = {0, 0, 0xC0, 0xE0, 0xF0};
  for (int i = length - 1; i > 0; --i, c >>= 6) out[size_t(i)] = uint8_t(0x80 | (c & 0x3F));
  out[0] = uint8_t(kLead[length] | c);
}

// Splits until first and last have one length and differ like odometers: a range in one place, all values
// behind it.
template <typename Take>
void split(char32_t first, char32_t last, Take& take) {
  static constexpr char32_t kLongest[] = {0, 0x7F, 0x7FF, 0xFFFF, kLastChar};
  int length = utf8_length(first);
  if (last > kLongest[length]) {
    split(first, kLongest[length], take);
    return split(kLongest[length] + 1, last, take);
  }
  for (int behind = 1; behind < length; ++behind) {
    char32_t mask = (char32_t{1} << (6 * behind)) - 1;
    if ((first & ~mask) == (last & ~mask)) continue;
    if ((first & mask) != 0) {
      split(first, first | mask, take);
      return split((first | mask) + 1, last, take);
    }
    if ((last & mask) != mask) {
      split(first, (last & ~mask) - 1, take);
      return split(last & ~mask, last, take);
    }
  }
  std::array<uint8_t, 4> low{}, high{};
  encode(first, length, low);
  encode(last, length, high);
  std::array<ByteRange, 4> sequence;
  for (size_t i = 0; i < 4; ++i) sequence[i] = {low[i], high[i]};
  take(std::span<const ByteRange>(sequence.data(), size_t(length)));
}

}  // namespace detail

template <typename Take>
void for_utf8_sequences(const CharSet& set, Take take) {
  for (CharRange range : set.ranges()) detail::split(range.first, range.last, take);
}

}  // namespace troika::grammar
