// Masks against the definition: a token is allowed where its bytes fit, and nowhere else. And random text
// under a mask, as a model of random weights would write it, always comes out valid.
#include "grammar/token_grammar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "grammar/samples.h"
#include "grammar/schema_validator.h"

namespace troika::grammar {
namespace {

using samples::of_ebnf;
using samples::of_regex;
using samples::of_schema;
using samples::TokenWorld;

// Every token tried, one by one.
void expect_exact(const Matcher& matcher, const TokenMask& mask, const Vocabulary& vocabulary,
                  const std::string& so_far) {
  for (int32_t id = 0; id < int32_t(vocabulary.tokens()); ++id) {
    bool is_end = std::find(vocabulary.end_tokens().begin(), vocabulary.end_tokens().end(), id) !=
                  vocabulary.end_tokens().end();
    Matcher copy = matcher;
    bool fits = is_end ? matcher.may_end() : copy.accept(id);
    ASSERT_EQ(mask.allows(id), fits) << "behind '" << so_far << "' the token '" << vocabulary.text(id) << "'";
  }
}

std::vector<int32_t> allowed_of(const TokenMask& mask, size_t tokens) {
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < int32_t(tokens); ++id) {
    if (mask.allows(id)) ids.push_back(id);
  }
  return ids;
}

struct Walk {
  std::string text;
  bool ended = false;  // not cut
};

// Draws tokens as a model of random weights would, until the text ends or has so many tokens.
Walk walk_at_random(std::shared_ptr<const TokenGrammar> grammar, uint32_t seed, int tokens, bool exact) {
  const Vocabulary& vocabulary = grammar->vocabulary();
  std::mt19937 random(seed);
  Matcher matcher(grammar);
  TokenMask mask(vocabulary.tokens());
  Walk walk;
  for (int i = 0; i < tokens; ++i) {
    matcher.allow(mask);
    if (exact) expect_exact(matcher, mask, vocabulary, walk.text);
    std::vector<int32_t> ids = allowed_of(mask, vocabulary.tokens());
    if (ids.empty()) {
      ADD_FAILURE() << "no way on behind " << walk.text;
      return walk;
    }
    int32_t id = ids[random() % ids.size()];
    if (vocabulary.is_text(id)) {
      EXPECT_TRUE(matcher.accept(id));
      walk.text += vocabulary.text(id);
    }
    walk.ended = !vocabulary.is_text(id) || matcher.complete();
    if (walk.ended) break;
  }
  return walk;
}

const char* const kPerson =
    R"({"type": "object", "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer",
  "minimum": 0, "maximum": 150}, "score": {"type": "number", "minimum": -1.5, "exclusiveMaximum": 10}, "tags": {"type": "array", "items":
  {"enum": ["red", "green", "blü"]}, "maxItems": 3}, "mail": {"type": "string", "pattern": "^[a-c]{1,4}@[a-e]+$", "maxLength": 9}},
  "required": ["name", "tags"], "additionalProperties": {"type": "boolean"}})";
const char* const kTree =
    R"({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {"value": {"type": ["integer", "string"]},
  "children": {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 2}}, "required": ["value"], "additionalProperties": false}}})";
const char* const kShapes = R"({"type": "array", "minItems": 1, "maxItems": 4, "items": {"oneOf": [
  {"type": "object", "properties": {"kind": {"const": "circle"}, "r": {"type": "number", "exclusiveMinimum": 0}}, "required": ["kind", "r"]},
  {"type": "object", "properties": {"kind": {"const": "text"}, "say": {"type": "string", "minLength": 2}}, "required": ["kind", "say"]},
  {"type": "null"}]}})";
const char* const kTuple =
    R"({"allOf": [{"type": "array", "prefixItems": [{"type": "boolean"}, {"anyOf": [{"type": "null"},
  {"type": "string", "format": "date"}]}], "items": {"const": {"a": [1, 2]}}}, {"minItems": 1, "maxItems": 4}]})";

TEST(TokenGrammar, AllowsExactlyTheTokensThatFit) {
  TokenWorld world(samples::random_texts(600, 1));
  std::vector<Automaton> automata;
  for (const char* schema : {kPerson, kTree, kShapes, kTuple, "{}"}) automata.push_back(of_schema(schema));
  automata.push_back(of_regex("(a|b)*c{2,5}[^\"]*"));
  automata.push_back(
      of_ebnf("root ::= word (\" \" word)* end?\nword ::= [a-e]+ | \"<\" word \">\"\nend ::= \"..\"?"));
  automata.push_back(of_ebnf("root ::= \"a\" root | root2\nroot2 ::= (\"aa\" | \"b\" root)?"));
  Rules rules;
  automata.push_back(compile(
      rules, rules.sequence({rules.avoid("<a>"),
                             rules.optional(rules.sequence({rules.bytes("<a>"), rules.until("</a")}))})));
  for (Automaton& automaton : automata) {
    auto grammar = world.grammar(std::move(automaton));
    for (uint32_t seed = 0; seed < 6; ++seed) walk_at_random(grammar, seed, 30, true);
  }
}

TEST(TokenGrammar, AllowsTheSameWhereNothingIsKnownAhead) {
  // Long enough for the budget of masks to run out.
  TokenWorld world(samples::random_texts(3000, 2));
  auto grammar = world.grammar(of_schema(R"({"type": "string", "maxLength": 3000})"));
  Matcher matcher(grammar);
  TokenMask mask(world.vocabulary.tokens());
  std::string text = "\"" + std::string(2990, 'a');
  ASSERT_TRUE(matcher.accept(std::string_view(text)));
  for (int i = 0; i < 11; ++i) {
    matcher.allow(mask);
    expect_exact(matcher, mask, world.vocabulary, text);
    if (i == 10) break;
    ASSERT_TRUE(matcher.accept("b"));
  }
}

TEST(TokenGrammar, RandomTextUnderAMaskAlwaysValidates) {
  TokenWorld world(samples::random_texts(800, 3));
  int ended = 0;
  for (const char* schema : {kPerson, kTree, kShapes, kTuple, R"({"type": "object"})"}) {
    auto grammar = world.grammar(of_schema(schema));
    samples::SchemaValidator validator(Json::parse(schema));
    for (uint32_t seed = 0; seed < 150; ++seed) {
      Walk walk = walk_at_random(grammar, seed, 400, false);
      if (!walk.ended) continue;
      ++ended;
      Json value = Json::parse(walk.text, nullptr, false);
      ASSERT_FALSE(value.is_discarded()) << schema << "\n" << walk.text;
      ASSERT_TRUE(validator.validates(value)) << schema << "\n" << walk.text;
    }
  }
  EXPECT_GT(ended, 400);
}

TEST(TokenGrammar, ControlTokensNeverComeAndTheEndOnlyWhereTheTextMayEnd) {
  TokenWorld world(std::vector<std::string>{});
  const int32_t begin = 256, end = 257;
  Matcher matcher(world.grammar(of_regex("ab*")));
  TokenMask mask(world.vocabulary.tokens());
  matcher.allow(mask);
  EXPECT_EQ(allowed_of(mask, 258), std::vector<int32_t>{'a'});
  ASSERT_TRUE(matcher.accept('a'));
  matcher.allow(mask);
  EXPECT_EQ(allowed_of(mask, 258), (std::vector<int32_t>{'b', end}));
  EXPECT_FALSE(matcher.accept(begin));
  EXPECT_FALSE(matcher.accept(end));  // the end is no text
  EXPECT_FALSE(matcher.accept('c'));
  EXPECT_TRUE(matcher.accept('b'));  // what did not fit changed nothing
  EXPECT_FALSE(matcher.complete());
}

TEST(TokenGrammar, IsCompleteWhenNothingMoreMayCome) {
  TokenWorld world(std::vector<std::string>{"{}"});
  Matcher matcher(world.grammar(of_schema(R"({"type": "object"})")));
  EXPECT_FALSE(matcher.complete());
  EXPECT_TRUE(matcher.accept(256));
  EXPECT_TRUE(matcher.complete());
}

TEST(TokenGrammar, NestsOnlySoDeepAndFindsTheWayBack) {
  TokenWorld world(std::vector<std::string>{"[[", "]]", "[[[[[[[["});
  Matcher matcher(world.grammar(of_schema("{}")));
  TokenMask mask(world.vocabulary.tokens());
  int depth = 0;
  for (;; ++depth) {
    matcher.allow(mask);
    if (!mask.allows('[')) break;
    if (depth % 50 == 0 || depth > 500) expect_exact(matcher, mask, world.vocabulary, std::to_string(depth));
    ASSERT_TRUE(matcher.accept('['));
    ASSERT_LT(depth, 2000);
  }
  EXPECT_GT(depth, 100);
  EXPECT_FALSE(matcher.accept('['));
  for (int i = 0; i < depth; ++i) ASSERT_TRUE(matcher.accept(']'));
  EXPECT_TRUE(matcher.complete());
}

TEST(TokenGrammar, GivesUpWhereThereAreTooManyWays) {
  TokenWorld world(samples::random_words(20'000, 7, 4));
  Matcher matcher(world.grammar(of_ebnf(samples::many_ways("\"<\""))));
  TokenMask mask(world.vocabulary.tokens());
  matcher.allow(mask);
  EXPECT_FALSE(matcher.gave_up());
  EXPECT_EQ(mask.count(), 1u);
  ASSERT_TRUE(matcher.accept("<"));
  matcher.allow(mask);
  EXPECT_TRUE(matcher.gave_up());
  const std::string longer(1'000, 'a');
  EXPECT_FALSE(matcher.accept(longer));
  EXPECT_TRUE(matcher.gave_up());
  EXPECT_TRUE(matcher.accept("K"));  // what was not looked at to its end changed nothing
  EXPECT_TRUE(matcher.complete());
}

TEST(GrammarCache, RefusesWhatMayBeginInTooManyWays) {
  auto tokenizer = samples::tokenizer_of(samples::random_words(20'000, 7, 4));
  GrammarCache cache(*tokenizer);
  EXPECT_THAT([&] { cache.get("a", [] {
                      return Compiled{of_ebnf(samples::many_ways("")), {}};
                    }); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("may begin in too many ways")));
  EXPECT_NE(cache.get("b", [] { return Compiled{of_ebnf(samples::many_ways("\"<\"")), {}}; }), nullptr);
}

TEST(GrammarCache, CompilesOnceForAllWhoAskMeanwhile) {
  auto tokenizer = samples::tokenizer_of({});
  GrammarCache cache(*tokenizer);
  std::atomic<int> compiled = 0, refused = 0;
  auto slowly = [&](const char* why) {
    ++compiled;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (why) fail("{}", why);
    return Compiled{of_regex("a"), {}};
  };
  std::vector<std::shared_ptr<const TokenGrammar>> found(8);
  {
    std::vector<std::jthread> threads;
    for (auto& grammar : found)
      threads.emplace_back([&] { grammar = cache.get("a", [&] { return slowly(nullptr); }); });
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        try {
          cache.get("b", [&] { return slowly("no"); });
        } catch (const Error&) {
          ++refused;
        }
      });
    }
  }
  EXPECT_EQ(compiled, 2);
  EXPECT_EQ(refused, 8);
  for (const auto& grammar : found) EXPECT_EQ(grammar, found[0]);
  EXPECT_ANY_THROW(cache.get("b", [&] { return slowly("again"); }));
  EXPECT_EQ(compiled, 3);  // what failed is not kept
}

TEST(GrammarCache, CompilesTwoAtATime) {
  auto tokenizer = samples::tokenizer_of({});
  GrammarCache cache(*tokenizer);
  std::atomic<int> running = 0, most = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 6; ++i) {
      threads.emplace_back([&, i] {
        cache.get(std::to_string(i), [&] {
          const int now = ++running;
          for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) continue;
          std::this_thread::sleep_for(std::chrono::milliseconds(50));
          --running;
          return Compiled{of_regex("a"), {}};
        });
      });
    }
  }
  EXPECT_EQ(most, 2);
}

TEST(GrammarCache, CompilesTheSameGrammarOnce) {
  auto tokenizer = samples::tokenizer_of({});
  GrammarCache cache(*tokenizer);
  int compiled = 0;
  auto make = [&] {
    ++compiled;
    return Compiled{of_regex("a"), {"a note"}};
  };
  auto first = cache.get("a", make), second = cache.get("a", make);
  EXPECT_EQ(first, second);
  EXPECT_EQ(compiled, 1);
  EXPECT_EQ(second->notes(), std::vector<std::string>{"a note"});
  for (int i = 0; i < 200; ++i) cache.get(std::to_string(i), make);
  cache.get("a", make);
  EXPECT_EQ(compiled, 202);  // forgotten meanwhile
  EXPECT_ANY_THROW(cache.get("b", []() -> Compiled { fail("no"); }));
}

}  // namespace
}  // namespace troika::grammar
