// Streams of tokens to streams of text: whole characters only, stop strings never shown.
#include "text/detokenizer.h"

#include <gtest/gtest.h>

#include <random>

#include "text/stop_matcher.h"
#include "text/tokenizer_samples.h"
#include "text/unicode.h"

namespace troika::text {
namespace {

std::vector<int32_t> byte_tokens(std::string_view bytes) {
  std::vector<int32_t> ids;  // in the toy vocabulary a byte is its own id
  for (const char byte : bytes) ids.push_back(static_cast<uint8_t>(byte));
  return ids;
}

TEST(Detokenizer, HoldsBackAnUnfinishedCharacter) {
  const auto tokenizer = samples::toy_tokenizer();
  Detokenizer stream(*tokenizer, true);
  EXPECT_EQ(stream.append('H'), "H");
  EXPECT_EQ(stream.append(0xF0), "");
  EXPECT_EQ(stream.append(0x9F), "");
  EXPECT_EQ(stream.append(0x98), "");
  EXPECT_EQ(stream.append(0x80), "😀");
  EXPECT_EQ(stream.flush(), "");
}

TEST(Detokenizer, ReplacesBytesOnceTheyCannotBeMended) {
  const auto tokenizer = samples::toy_tokenizer();
  Detokenizer stream(*tokenizer, true);
  EXPECT_EQ(stream.append(0xE2), "");
  EXPECT_EQ(stream.append(0x82), "");
  EXPECT_EQ(stream.append('x'), std::string(kReplacement) + "x");
  EXPECT_EQ(stream.append(0xFF), kReplacement);
  EXPECT_EQ(stream.append(0xE2), "");
  EXPECT_EQ(stream.flush(), kReplacement);
  EXPECT_EQ(stream.flush(), "");
}

TEST(Detokenizer, LeavesOutControlTokensWhenAsked) {
  const auto tokenizer = samples::toy_tokenizer();
  const int32_t end = tokenizer->data().eos.value();
  Detokenizer without(*tokenizer, true), with(*tokenizer, false);
  EXPECT_EQ(without.append(end), "");
  EXPECT_EQ(with.append(end), "<|im_end|>");
  EXPECT_EQ(without.append(264), "<tool>");
  EXPECT_EQ(without.append(-1) + without.append(100'000'000), "");
}

TEST(Detokenizer, PiecesJoinedAreTheDecodedWhole) {
  const auto tokenizer = samples::toy_tokenizer();
  std::mt19937 random(7);
  // Bytes that are likely to make and to break characters.
  const std::string bytes("a \xC2\xA9\xE2\x82\xAC\xED\xA0\xF0\x9F\x98\x80\xF4\x90\xFF\x80\xBF", 18);
  for (int round = 0; round < 3000; ++round) {
    std::vector<int32_t> ids;
    for (int i = 0; i < 12; ++i) {
      ids.push_back(random() % 16 == 0 ? 263 : static_cast<uint8_t>(bytes[random() % bytes.size()]));
    }
    for (const bool skip : {true, false}) {
      Detokenizer stream(*tokenizer, skip);
      std::string joined;
      for (const int32_t id : ids) {
        const std::string piece = stream.append(id);
        ASSERT_TRUE(valid_utf8(piece));
        joined += piece;
      }
      joined += stream.flush();
      ASSERT_EQ(joined, tokenizer->decode(ids, skip));
    }
  }
}

TEST(Detokenizer, NeverShowsAReplacementForValidText) {
  const auto tokenizer = samples::toy_tokenizer();
  const std::string text = "👩‍👩‍👧‍👦 ünï 中文 👍🏽";
  Detokenizer stream(*tokenizer, true);
  std::string joined;
  for (const int32_t id : byte_tokens(text)) {
    const std::string piece = stream.append(id);
    ASSERT_EQ(piece.find(kReplacement), std::string::npos);
    joined += piece;
  }
  EXPECT_EQ(joined, text);
}

// Feeds `text` cut into pieces of `size` bytes; the text that came out, and whether a stop was met.
std::pair<std::string, bool> feed(const std::vector<std::string>& stops, std::string_view text, size_t size) {
  StopMatcher matcher(stops);
  std::string out;
  for (size_t at = 0; at < text.size(); at += size) {
    const auto result = matcher.append(text.substr(at, size));
    out += result.emit;
    if (result.stopped) return {out, true};
  }
  return {out + matcher.flush(), false};
}

TEST(StopMatcher, CutsBeforeTheStopHoweverTheTextIsCut) {
  const std::string text = "one two END three";
  for (size_t size = 1; size <= text.size(); ++size) {
    EXPECT_EQ(feed({"END"}, text, size), std::pair(std::string("one two "), true)) << size;
    EXPECT_EQ(feed({"two", "END"}, text, size), std::pair(std::string("one "), true)) << size;
    EXPECT_EQ(feed({"four"}, text, size), std::pair(text, false)) << size;
    EXPECT_EQ(feed({"three", ""}, text, size), std::pair(std::string("one two END "), true)) << size;
    EXPECT_EQ(feed({}, text, size), std::pair(text, false)) << size;
  }
}

TEST(StopMatcher, HoldsBackOnlyWhatMayBecomeAStop) {
  StopMatcher matcher({"\n\nUser:"});
  EXPECT_EQ(matcher.append("Hello\n").emit, "Hello");
  EXPECT_EQ(matcher.append("\nUs").emit, "");
  EXPECT_EQ(matcher.append("e it").emit, "\n\nUse it");
  EXPECT_EQ(matcher.append("\n\n\n").emit, "\n");
  const auto result = matcher.append("User: x");
  EXPECT_TRUE(result.stopped);
  EXPECT_EQ(result.emit, "");
  EXPECT_EQ(result.stop, "\n\nUser:");
  EXPECT_TRUE(matcher.append("more").stopped);
  EXPECT_EQ(matcher.append("more").emit + matcher.flush(), "");
}

TEST(StopMatcher, FindsAStopThatBeginsInsideAFailedOne) {
  for (size_t size = 1; size <= 4; ++size) {
    EXPECT_EQ(feed({"aab"}, "aaaab!", size), std::pair(std::string("aa"), true));
    EXPECT_EQ(feed({"abcd", "bc"}, "xabcd", size), std::pair(std::string("xa"), true));  // completed first
    EXPECT_EQ(feed({"c", "abc"}, "xabc", size), std::pair(std::string("x"), true));      // longest of equals
    EXPECT_EQ(feed({"ababac"}, "abababac.", size), std::pair(std::string("ab"), true));
  }
}

TEST(StopMatcher, NeverCutsACharacter) {
  StopMatcher matcher({"é!", "日本"});
  EXPECT_EQ(matcher.append("né").emit, "n");
  EXPECT_EQ(matcher.append("e").emit, "ée");
  EXPECT_EQ(matcher.append("日").emit, "");
  EXPECT_EQ(matcher.append("月").emit, "日月");
  EXPECT_TRUE(matcher.append("x日本").stopped);
}

TEST(StopMatcher, AgreesWithSearchingTheWholeText) {
  std::mt19937 random(3);
  for (int round = 0; round < 5000; ++round) {
    const auto word = [&](size_t length) {
      std::string out;
      for (size_t i = 0; i < length; ++i) out += "ab"[random() % 2];
      return out;
    };
    const std::vector<std::string> stops = {word(1 + random() % 5), word(1 + random() % 5)};
    const std::string text = word(20);
    std::string expected = text;
    for (size_t end = 1; end <= text.size() && expected == text; ++end) {
      for (size_t begin = 0; begin < end && expected == text; ++begin) {
        const std::string part = text.substr(begin, end - begin);
        if (part == stops[0] || part == stops[1]) expected = text.substr(0, begin) + "$";
      }
    }
    auto [out, stopped] = feed(stops, text, 1 + random() % 7);
    ASSERT_EQ(out + (stopped ? "$" : ""), expected) << text << " " << stops[0] << " " << stops[1];
  }
}

}  // namespace
}  // namespace troika::text
