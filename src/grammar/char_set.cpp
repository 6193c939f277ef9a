#include "grammar/char_set.h"

#include <algorithm>
#include <utility>

namespace troika::grammar {
namespace {

constexpr CharRange kSurrogates = {0xD800, 0xDFFF};

}  // namespace

CharSet::CharSet(std::initializer_list<CharRange> ranges) : ranges_(ranges) { tidy(); }

CharSet::CharSet(std::vector<CharRange> ranges) : ranges_(std::move(ranges)) { tidy(); }

CharSet CharSet::of(std::string_view ascii) {
  CharSet set;
  for (char c : ascii) set.ranges_.push_back({char32_t(c), char32_t(c)});
  set.tidy();
  return set;
}

void CharSet::add(const CharSet& other) {
  ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
  tidy();
}

// Sorts, joins neighbours, and leaves out what is no character: surrogates, and all above U+10FFFF.
void CharSet::tidy() {
  std::vector<CharRange> valid;
  for (CharRange r : ranges_) {
    if (r.first > r.last || r.first > kLastChar) continue;
    if (r.first < kSurrogates.first)
      valid.push_back({r.first, std::min(r.last, char32_t(kSurrogates.first - 1))});
    if (r.last > kSurrogates.last)
      valid.push_back({std::max(r.first, char32_t(kSurrogates.last + 1)), std::min(r.last, kLastChar)});
  }
  std::sort(valid.begin(), valid.end(), [](CharRange a, CharRange b) { return a.first < b.first; });
  ranges_.clear();
  for (CharRange r : valid) {
    if (!ranges_.empty() && r.first <= ranges_.back().last + 1) {
      ranges_.back().last = std::max(ranges_.back().last, r.last);
    } else {
      ranges_.push_back(r);
    }
  }
}

CharSet CharSet::complement() const {
  CharSet rest;
  char32_t next = 0;
  for (CharRange r : ranges_) {
    if (r.first > next) rest.ranges_.push_back({next, r.first - 1});
    next = r.last + 1;
  }
  if (next <= kLastChar) rest.ranges_.push_back({next, kLastChar});
  rest.tidy();
  return rest;
}

CharSet CharSet::without(const CharSet& other) const { return also_in(other.complement()); }

CharSet CharSet::also_in(const CharSet& other) const {
  CharSet both;
  for (CharRange a : ranges_) {
    for (CharRange b : other.ranges_)
      both.ranges_.push_back({std::max(a.first, b.first), std::min(a.last, b.last)});
  }
  both.tidy();
  return both;
}

bool CharSet::contains(char32_t c) const {
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [&](CharRange r) { return r.first <= c && c <= r.last; });
}

}  // namespace troika::grammar
