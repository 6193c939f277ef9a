// What building an automaton may take of the stack, of memory and of time.
#include "grammar/nfa.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grammar/samples.h"

namespace troika::grammar {
namespace {

using samples::of_ebnf;
using samples::of_regex;
using testing::HasSubstr;
using testing::ThrowsMessage;

// Each level is a choice in a sequence: a list of so many items, as schemas make them.
Automaton compile_nested(int levels) {
  Rules rules;
  Expr inside = rules.empty();
  for (int i = 0; i < levels / 2; ++i)
    inside = rules.choice({rules.sequence({rules.bytes("a"), inside}), rules.bytes("b")});
  return compile(rules, inside);
}

TEST(Nfa, NestsOnlyAsDeepAsTheStackHolds) {
  EXPECT_TRUE(matches(compile_nested(6'900), "aaab"));
  for (int levels : {7'100, 200'000}) {
    EXPECT_THAT([&] { compile_nested(levels); },
                ThrowsMessage<Error>(HasSubstr("nested deeper than 7000 levels")));
  }
}

TEST(Nfa, NothingRepeatedTakesNeitherTimeNorMemoryWithoutEnd) {
  auto repeated = [](size_t count, const std::string& what) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += what;
    return text;
  };
  const char* const kWhy = "takes too long to compile";
  EXPECT_THAT([&] { of_ebnf("root ::= (" + repeated(300'000, "\"\" ") + "\"a\"){100000}"); },
              ThrowsMessage<Error>(HasSubstr(kWhy)));
  EXPECT_THAT([&] { of_regex("(?:" + repeated(30'000, "()") + "a){100000}"); },
              ThrowsMessage<Error>(HasSubstr(kWhy)));
  // One step in a hundred groups, each of which would be remembered.
  EXPECT_THAT([&] { of_regex("(?:" + repeated(100, "(") + "a" + repeated(100, ")") + "){100000}"); },
              ThrowsMessage<Error>(HasSubstr(kWhy)));
}

}  // namespace
}  // namespace troika::grammar
