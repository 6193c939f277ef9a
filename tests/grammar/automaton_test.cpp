// What putting the rules together may take.
#include "grammar/automaton.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grammar/samples.h"

namespace troika::grammar {
namespace {

// Each rule's end is known only after that of the next, and each calls many that have none.
TEST(Automaton, LookingForEndsIsBounded) {
  constexpr int kRules = 1'100, kEndless = 150;
  std::string source;
  for (int i = 0; i < kRules; ++i) {
    source += i == 0 ? "root ::= " : fmt::format("r{} ::= ", i);
    for (int k = 0; k < kEndless; ++k) source += fmt::format("{:02x} | ", k);
    source += i + 1 < kRules ? fmt::format("\"a\" r{} \"b\"\n", i + 1) : "\"c\"\n";
  }
  for (int k = 0; k < kEndless; ++k) source += fmt::format("{:02x} ::= \"x\" {:02x}\n", k, k);
  EXPECT_THAT([&] { samples::of_ebnf(source); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("takes too long to compile")));
}

}  // namespace
}  // namespace troika::grammar
