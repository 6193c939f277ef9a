// Regular expressions: what they match, and what is refused by name.
#include "grammar/regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "grammar/samples.h"

namespace troika::grammar {
namespace {

using samples::of_regex;
using testing::HasSubstr;
using testing::ThrowsMessage;

struct Case {
  const char* pattern;
  std::vector<const char*> matched, refused;
};

TEST(Regex, MatchesWhatJavaScriptsDoes) {
  const Case cases[] = {
      {"", {""}, {"a"}},
      {"abc", {"abc"}, {"ab", "abcd", "xabc"}},
      {"a|bc|", {"a", "bc", ""}, {"b", "abc"}},
      {"(ab)*c", {"c", "abc", "ababc"}, {"ac", "abab"}},
      {"a+?b??", {"a", "aab"}, {"", "b", "abb"}},
      {"[a-cx]{2}", {"ax", "cb"}, {"a", "ad", "abc"}},
      {"a{2,}", {"aa", "aaaaa"}, {"a"}},
      {"a{0,2}b{0}", {"", "a", "aa"}, {"aaa", "ab"}},
      {"a{,2}|{|}", {"a{,2}", "{", "}"}, {"a", "aa"}},
      {"\\d\\D\\w\\W\\s\\S", {"1a_- x", "0.A\n\t-"}, {"aa_- x", "1a_-xx"}},
      {"[^\\d\\-]", {"a", "é", "€", "🙂"}, {"3", "-", "ab", ""}},
      {".", {"a", "é", "🙂"}, {"\n", "\r", "\xC3", "\xE2\x82"}},
      {"\\u00e9\\x41\\u{1F642}\\ud83d\\ude42", {"éA🙂🙂"}, {"eA🙂🙂"}},
      {"[à-ü]+", {"éü"}, {"e", "é\xC3"}},
      {"[α-ω€-₿🙂]", {"β", "€", "🙂"}, {"a", "\xF0\x9F\x99"}},
      {"^(?:a|(?<name>b))$", {"a", "b"}, {"", "c"}},
      {"^a|b$", {"a", "b"}, {"ab"}},
      {"a\\.b\\/\\\\", {"a.b/\\"}, {"axb/\\"}},
      {"[]a]", {}, {"]", "a", "]a]"}},
      {"[^]", {"a", "\n", "€"}, {"", "\xFF"}},
      {"(a*)*b", {"b", "aaab"}, {"aaa"}},
      {"(|a)+", {"", "aaa"}, {"b"}},
  };
  for (const Case& c : cases) {
    if (c.matched.empty()) {
      EXPECT_ANY_THROW(of_regex(c.pattern)) << c.pattern;  // nothing matches it
      continue;
    }
    Automaton automaton = of_regex(c.pattern);
    for (const char* text : c.matched) EXPECT_TRUE(matches(automaton, text)) << c.pattern << " and " << text;
    for (const char* text : c.refused) EXPECT_FALSE(matches(automaton, text)) << c.pattern << " and " << text;
  }
}

TEST(Regex, NeverTakesHalvesOfSurrogatePairsOrOverlongBytes) {
  Automaton any = of_regex("[^]*");
  for (const char* text : {"\xED\xA0\x80", "\xED\xBF\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80",
                           "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\x80", "\xF5\x80\x80\x80"}) {
    EXPECT_FALSE(matches(any, text));
  }
  for (const char* text : {"\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(matches(any, text));
  }
}

TEST(Regex, RefusesByNameWhatIsNotRegularOrNotKnown) {
  const std::pair<const char*, const char*> cases[] = {
      {"(a)\\1", "backreferences"},
      {"(?<n>a)\\k<n>", "backreferences"},
      {"a(?=b)", "lookaheads"},
      {"(?<!a)b", "lookbehinds"},
      {"\\bword", "word borders"},
      {"\\p{L}", "character properties"},
      {"a++", "possessive"},
      {"a**", "quantifier follows"},
      {"*a", "nothing to repeat"},
      {"(a", "( has no )"},
      {"a)", ") without"},
      {"[a", "[ has no ]"},
      {"[z-a]", "out of order"},
      {"a{3,2}", "out of order"},
      {"a\\", "ends with"},
      {"\\q", "\\q is not supported"},
      {"a$b", "$ is supported only at the end"},
      {"a^b", "^ is supported only at the beginning"},
      {"(^a)", "outside of groups"},
      {"(?i)a", "not supported"},
      {"\\ud800", "no character"},
      {"a{100001}", "above 100000"},
      {"\xFF", "not UTF-8"},
  };
  for (const auto& [pattern, why] : cases) {
    EXPECT_THAT([&] { of_regex(pattern); }, ThrowsMessage<Error>(HasSubstr(why))) << pattern;
  }
}

TEST(Regex, IsBoundedInTimeAndMemory) {
  auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT([&] { of_regex("(a|b)*a(a|b){30}"); }, ThrowsMessage<Error>(HasSubstr("states")));
  EXPECT_THAT([&] { of_regex("((a{1000}){1000}){1000}"); }, ThrowsMessage<Error>(HasSubstr("too large")));
  EXPECT_THAT([&] { of_regex("(.*a.*b){2000}.*c{5000}"); }, ThrowsMessage<Error>(HasSubstr("too l")));
  EXPECT_THAT([&] { of_regex(std::string(5000, '(')); }, ThrowsMessage<Error>(HasSubstr("nested deeper")));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

TEST(Regex, MatchesInLinearTimeWhereBacktrackingWouldNotEnd) {
  Automaton automaton = of_regex("(a*)*(a|aa)*(a?){30}b");
  EXPECT_FALSE(matches(automaton, std::string(100'000, 'a')));
  EXPECT_TRUE(matches(automaton, std::string(100'000, 'a') + "b"));
}

}  // namespace
}  // namespace troika::grammar
