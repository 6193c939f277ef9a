// Grammars in GBNF.
#include "grammar/ebnf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grammar/samples.h"
#include "text/unicode.h"

namespace troika::grammar {
namespace {

using samples::of_ebnf;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Ebnf, ReadsRulesThatCallEachOther) {
  Automaton sums = of_ebnf(R"G(
# sums
root ::= term ("+" term)*   # of terms
term ::= number | "(" root ")"
number ::= [1-9] [0-9]{0,2}
)G");
  for (const char* text : {"1", "12+3", "(1+2)+345", "((((7))))", "(1)+(2+(3))"})
    EXPECT_TRUE(matches(sums, text)) << text;
  for (const char* text : {"", "0", "1+", "(1", "1)", "1234", "()"})
    EXPECT_FALSE(matches(sums, text)) << text;
}

TEST(Ebnf, KnowsWhatIsNotRegular) {
  Automaton nested = of_ebnf("root ::= \"a\" root \"b\" | \"\"");
  std::string text;
  for (int n = 0; n < 200; ++n) {
    EXPECT_TRUE(matches(nested, std::string(size_t(n), 'a') + std::string(size_t(n), 'b')));
    EXPECT_FALSE(matches(nested, std::string(size_t(n), 'a') + std::string(size_t(n + 1), 'b')));
  }
}

TEST(Ebnf, FollowsAllWaysOfAnAmbiguousGrammar) {
  Automaton pairs = of_ebnf("root ::= item+\nitem ::= \"a\" | \"aa\" | \"a\" item");
  EXPECT_TRUE(matches(pairs, std::string(2000, 'a')));
  Automaton palindromes = of_ebnf("root ::= \"a\" root \"a\" | \"b\" root \"b\" | [ab]?");
  EXPECT_TRUE(matches(palindromes, "abbabba"));
  EXPECT_FALSE(matches(palindromes, "abbabb"));
}

TEST(Ebnf, KeepsNoMemoryOfRulesThatEndWithEachOther) {
  Automaton list = of_ebnf("root ::= [a-z] more\nmore ::= \",\" root | \".\"");
  std::string text = "a";
  for (int i = 0; i < 100'000; ++i) text += ",b";
  EXPECT_TRUE(matches(list, text + "."));
}

TEST(Ebnf, ReadsEscapesClassesAndLineBreaks) {
  Automaton a = of_ebnf("root ::= \"\\\"\\\\\\n\\x41\\u20ac\" [^\\]\\-a-c] |\n  ( \"x\"\n | \"y\" )? .");
  EXPECT_TRUE(matches(a, "\"\\\nA€d"));
  EXPECT_FALSE(matches(a, "\"\\\nA€b"));
  EXPECT_TRUE(matches(a, "x🙂"));
  EXPECT_TRUE(matches(a, "é"));
  EXPECT_FALSE(matches(a, ""));
}

TEST(Ebnf, SaysInWhichLineWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "no rule 'root'"},
      {"start ::= \"a\"", "no rule 'root'"},
      {"root ::= a\nb ::= \"c\"", "line 1 of the grammar: the rule 'a' is not defined"},
      {"root ::= \"a\"\nroot ::= \"b\"", "line 2 of the grammar: the rule 'root' is defined twice"},
      {"root = \"a\"", "'::=' is missing"},
      {"root ::= \"a", "\" has no end"},
      {"root ::= [a", "[ has no ]"},
      {"root ::= (\"a\"", "( has no )"},
      {"root ::= \"a\")", "')' was not expected"},
      {"root ::= \"a\"**", "repetition follows"},
      {"root ::= \"a\"{2,1}", "out of order"},
      {"root ::= \"a\"{x}", "number is missing"},
      {"root ::= \"\\q\"", "escape \\q"},
      {"root ::= \"\\ud800\"", "no character"},
      {"root ::= [\\U00110001]", "U+110001 is no character"},
      {"root ::= [a-\\U00110000]", "U+110000 is no character"},
      {"root ::= \"\\UFFFFFFFF\"", "U+FFFFFFFF is no character"},
      {"root ::= <[1]>", "tokens in < >"},
      {"root ::= \xFF", "not UTF-8"},
      {"root ::= root \"a\" | \"b\"", "left recursion"},
      {"root ::= a \"x\"\na ::= b\nb ::= \" \"? root | \"c\"", "left recursion"},
      {"root ::= \"a\" root", "nothing can match"},
  };
  for (const auto& [source, why] : cases) {
    EXPECT_THAT([&] { of_ebnf(source); }, ThrowsMessage<Error>(HasSubstr(why))) << source;
  }
}

TEST(Ebnf, ReadsALongClassInOneGo) {
  std::string source = "root ::= [";
  for (char32_t c = 0; c < 200'000; ++c) text::append_utf8(source, 0x10FFFF - c * 2);
  Rules rules;
  EXPECT_NO_THROW(ebnf(rules, source + "]"));
}

TEST(Ebnf, NestsOnlySoDeep) {
  EXPECT_THAT([] { of_ebnf("root ::= " + std::string(1000, '(')); },
              ThrowsMessage<Error>(HasSubstr("nested deeper")));
  Automaton nested = of_ebnf("root ::= \"a\" root \"b\" | \"\"");
  EXPECT_FALSE(matches(nested, std::string(2000, 'a') + std::string(2000, 'b')));  // refused, not a crash
}

}  // namespace
}  // namespace troika::grammar
