// Sets of characters, from ranges in any order and of any kind.
#include "grammar/char_set.h"

#include <gtest/gtest.h>

#include "grammar/utf8_ranges.h"

namespace troika::grammar {
namespace {

TEST(CharSet, SortsAndJoinsWhatItIsGiven) {
  EXPECT_EQ(CharSet({{'c', 'd'}, {'a', 'b'}, {'x', 'x'}, {'d', 'f'}}).ranges(),
            (std::vector<CharRange>{{'a', 'f'}, {'x', 'x'}}));
}

TEST(CharSet, HoldsNothingThatIsNoCharacter) {
  EXPECT_TRUE(CharSet({{0x110001, 0x110001}, {0x110000, 0xFFFFFFFF}, {0xD800, 0xDFFF}, {'b', 'a'}}).empty());
  EXPECT_EQ(CharSet({{0xD7FF, 0xFFFFFFFF}}).ranges(),
            (std::vector<CharRange>{{0xD7FF, 0xD7FF}, {0xE000, kLastChar}}));
  for (CharRange range : {CharRange{0x10FFFF, 0x110000}, CharRange{0x110000, 0xFFFFFFFF}}) {
    size_t sequences = 0;
    for_utf8_sequences(CharSet({range}), [&](auto) { ++sequences; });
    EXPECT_EQ(sequences, range.first <= kLastChar ? 1u : 0u);
  }
}

TEST(CharSet, TakesManyRangesAtOnce) {
  std::vector<CharRange> ranges;
  for (char32_t c = 0; c < 250'000; ++c) ranges.push_back({kLastChar - 2 * c, kLastChar - 2 * c});
  EXPECT_EQ(CharSet(std::move(ranges)).ranges().size(), 250'000u);
}

}  // namespace
}  // namespace troika::grammar
