#include "grammar/json_rules.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace troika::grammar {
namespace {

constexpr int kMostIndentation = 32;
// Numbers that any reader holds: 15 digits before the point are exact in a double, and 10^115 is finite.
constexpr int kMostDigits = 15, kMostFraction = 15, kMostExponent = 2;

const CharSet& escaped() {
  static const CharSet set = {{0, 0x1F}, {'"', '"'}, {'\\', '\\'}};
  return set;
}

// Escapes of one character, but for halves of surrogate pairs, which stand for none: [^dD] or D[0-7] leads.
Expr hex_escape(Rules& rules) {
  const CharSet hex = {{'0', '9'}, {'a', 'f'}, {'A', 'F'}}, not_d = hex.without(CharSet::of("dD"));
  auto digits = [&](int count) { return rules.repeat(rules.chars(hex), count, count); };
  Expr d = rules.chars(CharSet::of("dD"));
  Expr below = rules.choice({rules.sequence({rules.chars(not_d), digits(3)}),
                             rules.sequence({d, rules.chars({{'0', '7'}}), digits(2)})});
  Expr pair = rules.sequence({d, rules.chars(CharSet::of("89abAB")), digits(2), rules.bytes("\\u"), d,
                              rules.chars(CharSet::of("cdefCDEF")), digits(2)});
  return rules.sequence({rules.bytes("\\u"), rules.choice({below, pair})});
}

Expr string_body(Rules& rules) {
  Expr character = rules.choice({rules.chars(escaped().complement()),
                                 rules.sequence({rules.bytes("\\"), rules.chars(CharSet::of("\"\\/bfnrt"))}),
                                 hex_escape(rules)});
  return rules.sequence({rules.bytes("\""), rules.repeat(character, 0), rules.bytes("\"")});
}

Expr integer_body(Rules& rules) {
  Expr digit = rules.chars({{'0', '9'}});
  Expr positive = rules.sequence({rules.chars({{'1', '9'}}), rules.repeat(digit, 0, kMostDigits - 1)});
  return rules.sequence({rules.optional(rules.bytes("-")), rules.choice({rules.bytes("0"), positive})});
}

Expr number_body(Rules& rules) {
  Expr digit = rules.chars({{'0', '9'}});
  Expr fraction = rules.sequence({rules.bytes("."), rules.repeat(digit, 1, kMostFraction)});
  Expr exponent =
      rules.sequence({rules.chars(CharSet::of("eE")), rules.optional(rules.chars(CharSet::of("+-"))),
                      rules.repeat(digit, 1, kMostExponent)});
  return rules.sequence({integer_body(rules), rules.optional(fraction), rules.optional(exponent)});
}

}  // namespace

JsonRules::JsonRules(Rules& rules) {
  auto declare = [&](const char* name) { return rules.declare(name, fmt::format("json:{}", name)); };
  RuleId space_rule = declare("space"), string_rule = declare("string"), number_rule = declare("number"),
         integer_rule = declare("integer"), value_rule = declare("value"), object_rule = declare("object"),
         array_rule = declare("array");
  space = rules.call(space_rule);
  string = rules.call(string_rule);
  number = rules.call(number_rule);
  integer = rules.call(integer_rule);
  value = rules.call(value_rule);
  object = rules.call(object_rule);
  array = rules.call(array_rule);

  Expr line =
      rules.sequence({rules.bytes("\n"), rules.repeat(rules.chars(CharSet::of(" \t")), 0, kMostIndentation)});
  rules.define(space_rule, rules.optional(rules.choice({rules.bytes(" "), line})));
  rules.define(string_rule, string_body(rules));
  rules.define(integer_rule, integer_body(rules));
  rules.define(number_rule, number_body(rules));
  rules.define(value_rule, rules.choice({string, number, object, array, rules.bytes("true"),
                                         rules.bytes("false"), rules.bytes("null")}));
  auto list = [&](const char* open, Expr item, const char* close) {
    Expr more = rules.repeat(rules.sequence({rules.bytes(","), space, item}), 0);
    Expr items = rules.sequence({space, item, more, space});
    return rules.sequence({rules.bytes(open), rules.choice({items, rules.empty()}), rules.bytes(close)});
  };
  rules.define(object_rule, list("{", rules.sequence({string, rules.bytes(":"), space, value}), "}"));
  rules.define(array_rule, list("[", value, "]"));
}

Expr json_character(Rules& rules, const CharSet& set) {
  std::vector<Expr> ways;
  if (CharSet plain = set.without(escaped()); !plain.empty()) ways.push_back(rules.chars(plain));
  const CharSet special = set.also_in(escaped());
  for (CharRange range : special.ranges()) {
    for (char32_t c = range.first; c <= range.last; ++c) {
      std::string spelled = nlohmann::json(std::string(1, char(c))).dump();
      ways.push_back(rules.bytes(std::string_view(spelled).substr(1, spelled.size() - 2)));
    }
  }
  return rules.choice(std::move(ways));
}

Expr json_literal(Rules& rules, const nlohmann::ordered_json& value) { return rules.bytes(value.dump()); }

}  // namespace troika::grammar
