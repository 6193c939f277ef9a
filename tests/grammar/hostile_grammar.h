// What a stranger may send as a grammar, for a bounded test of random changes:
// compiling either throws Error or gives an automaton under which text can be written.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "grammar/samples.h"

namespace troika::grammar::samples {

inline Automaton compile_hostile(uint8_t kind, std::string_view source) {
  Rules rules;
  JsonRules json(rules);
  Expr whole = rules.empty();
  switch (kind % 3) {
    case 0: {
      Json schema = Json::parse(source, nullptr, false);
      if (schema.is_discarded()) fail("not JSON");
      whole = json_schema(rules, json, schema);
      break;
    }
    case 1:
      whole = regex(rules, source);
      break;
    default:
      whole = ebnf(rules, source);
  }
  return compile(rules, whole,
                 {.nfa_states = 20'000, .states = 4'000, .table_bytes = 4 << 20, .work = 500'000});
}

// The first byte says which front end, the second which tokens are drawn. True when it compiled.
inline bool try_hostile_grammar(std::span<const uint8_t> input) {
  if (input.size() < 2) return false;
  std::string_view source(reinterpret_cast<const char*>(input.data()) + 2, input.size() - 2);
  static TokenWorld world(random_texts(100, 5));
  std::shared_ptr<const TokenGrammar> grammar;
  try {
    grammar = world.grammar(compile_hostile(input[0], source));
  } catch (const InternalError&) {
    throw;
  } catch (const Error&) {
    return false;
  }
  Matcher matcher(grammar);
  TokenMask mask(world.vocabulary.tokens());
  std::mt19937 random(input[1]);
  for (int i = 0; i < 30 && !matcher.complete(); ++i) {
    matcher.allow(mask);
    const size_t count = mask.count();
    check(count > 0, "there is a way on");
    int32_t id = 0;
    for (size_t skip = random() % count;; ++id) {
      if (mask.allows(id) && skip-- == 0) break;
    }
    if (!world.vocabulary.is_text(id)) break;
    check(matcher.accept(id), "what is allowed is accepted");
  }
  return true;
}

}  // namespace troika::grammar::samples
