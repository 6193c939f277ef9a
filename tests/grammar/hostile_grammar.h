// What a stranger may send as a grammar, for a bounded test of random changes:
// compiling either throws Error or gives an automaton under which text can be written.
#pragma once

#include <cstdint>
#include <string_view>

#include "grammar/samples.h"

namespace troika::grammar::samples {

enum class FrontEnd : uint8_t { json_schema, regex, ebnf };

inline Automaton compile_hostile(FrontEnd front_end, std::string_view source) {
  Rules rules;
  JsonRules json(rules);
  Expr whole = rules.empty();
  switch (front_end) {
    case FrontEnd::json_schema: {
      Json schema = Json::parse(source, nullptr, false);
      if (schema.is_discarded()) fail("not JSON");
      whole = json_schema(rules, json, schema);
      break;
    }
    case FrontEnd::regex:
      whole = regex(rules, source);
      break;
    case FrontEnd::ebnf:
      whole = ebnf(rules, source);
  }
  return compile(rules, whole,
                 {.nfa_states = 20'000, .states = 4'000, .table_bytes = 4 << 20, .work = 500'000});
}

struct Written {
  bool compiled = false;
  bool complete = false;  // the text may end here
  std::string text;
};

// Writes tokens that `seed` draws among those allowed.
inline Written try_hostile_grammar(FrontEnd front_end, std::string_view source, uint32_t seed) {
  static TokenWorld world(random_texts(100, 5));
  std::shared_ptr<const TokenGrammar> grammar;
  try {
    grammar = world.grammar(compile_hostile(front_end, source));
  } catch (const InternalError&) {
    throw;
  } catch (const Error&) {
    return {};
  }
  Matcher matcher(grammar);
  TokenMask mask(world.vocabulary.tokens());
  std::mt19937 random(seed);
  Written written{.compiled = true};
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
    written.text += world.vocabulary.text(id);
  }
  written.complete = matcher.may_end();
  return written;
}

}  // namespace troika::grammar::samples
