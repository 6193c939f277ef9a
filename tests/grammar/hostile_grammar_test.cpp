// Grammars with random changes.
#include "grammar/hostile_grammar.h"

#include <gtest/gtest.h>

#include <random>

namespace troika::grammar {
namespace {

// The first byte is a FrontEnd.
const std::string kSeeds[] = {
    std::string("\0", 1) +
        R"({"type":"object","properties":{"a":{"type":"string","maxLength":5},"b":{"$ref":"#"}},"required":["a"]})",
    std::string("\0", 1) +
        R"({"anyOf":[{"enum":[1,"x",null]},{"type":"array","items":{"type":"number","minimum":-1.5},"maxItems":3}]})",
    std::string("\0", 1) +
        R"({"allOf":[{"type":"integer","minimum":3},{"maximum":50}],"$defs":{"x":{"pattern":"^a.c$"}}})",
    "\x01(a|b)*c{2,5}[^x-z\\d]+\\u00e9?",
    "\x01^(?:ab|cd)+$|e{0,3}.",
    "\x02root ::= \"a\" root \"b\" | word\nword ::= [a-z]{1,4} (\" \" word)? # end",
    "\x02root ::= (x | \"\\\"\")* y+\nx ::= .\ny ::= [^ab]",
};

TEST(HostileGrammar, IsRefusedOrUsableWhateverWasChanged) {
  constexpr std::string_view kBytes = "{}[]()*+?|\\\"':,.^$-#=0123456789abcdefnrtuxrefalse \n\xC3\xFF";
  std::mt19937 random(11);
  int compiled = 0;
  for (int i = 0; i < 1500; ++i) {
    std::string source = kSeeds[random() % std::size(kSeeds)];
    source.insert(1, 1, char(random() % 256));
    for (int changes = int(random() % 4); changes > 0; --changes) {
      const size_t at = 2 + random() % (source.size() - 2);
      switch (random() % 4) {
        case 0:
          source[at] = kBytes[random() % kBytes.size()];
          break;
        case 1:
          source.insert(at, 1, kBytes[random() % kBytes.size()]);
          break;
        case 2:
          source.erase(at, 1 + random() % 3);
          break;
        default:
          source.insert(at, source.substr(2 + random() % (source.size() - 2), random() % 8));
      }
      if (source.size() < 4) break;
    }
    compiled +=
        samples::try_hostile_grammar(samples::FrontEnd(source[0]), source.substr(2), uint8_t(source[1])).compiled;
  }
  EXPECT_GT(compiled, 300);
}

}  // namespace
}  // namespace troika::grammar
