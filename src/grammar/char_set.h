// Sets of characters (Unicode scalar values: never a surrogate), as sorted ranges.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

namespace troika::grammar {

struct CharRange {
  char32_t first = 0, last = 0;

  bool operator==(const CharRange&) const = default;
};

inline constexpr char32_t kLastChar = 0x10FFFF;

class CharSet {
 public:
  CharSet() = default;
  CharSet(std::initializer_list<CharRange> ranges);
  // In any order. What is no range of characters is left out.
  explicit CharSet(std::vector<CharRange> ranges);
  static CharSet of(std::string_view ascii);  // each of these characters
  static CharSet all() { return {{0, kLastChar}}; }

  void add(const CharSet& other);
  CharSet complement() const;
  CharSet without(const CharSet& other) const;
  CharSet also_in(const CharSet& other) const;

  bool empty() const { return ranges_.empty(); }
  bool contains(char32_t c) const;
  const std::vector<CharRange>& ranges() const { return ranges_; }  // sorted, apart from each other

 private:
  void tidy();

  std::vector<CharRange> ranges_;
};

}  // namespace troika::grammar
