// A grammar as front ends write it: expressions over bytes, and rules that may call each other and
// themselves. JSON schemas, regular expressions and EBNF all become this, and compile() makes one automaton
// of it.
//
// Expressions are numbers, good in one Rules only; they may be used in several places. Building is bounded: a
// foreign grammar that wants too many expressions throws Error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/char_set.h"

namespace troika::grammar {

struct Expr {
  uint32_t id = 0;
};
struct RuleId {
  uint32_t id = 0;

  bool operator==(const RuleId&) const = default;
};

inline constexpr int kNoLimit = -1;

class Rules {
 public:
  Expr bytes(std::string_view text);  // exactly these; "": nothing at all
  Expr empty() { return bytes(""); }
  Expr chars(CharSet set);  // one character in UTF-8
  Expr sequence(std::vector<Expr> parts);
  Expr choice(std::vector<Expr> parts);  // of none: what nothing matches
  Expr repeat(Expr part, int least, int most = kNoLimit);
  Expr optional(Expr part) { return repeat(part, 0, 1); }
  Expr call(RuleId rule);
  // Any bytes up to the first `marker`, which is part of it; any bytes without `marker`.
  Expr until(std::string_view marker);
  Expr avoid(std::string_view marker);
  // What both match. Neither may call a rule.
  Expr both(Expr a, Expr b);

  // A rule is declared, then defined once. `shared` names a rule that is the same in every grammar, so that
  // what is computed for it once serves all; "": it is this grammar's own.
  RuleId declare(std::string name, std::string shared = "");
  void define(RuleId rule, Expr body);
  RuleId rule(std::string name, Expr body);
  RuleId find_shared(std::string_view shared) const;  // kNoRule when there is none
  static constexpr RuleId kNoRule{UINT32_MAX};

  enum class Kind : uint8_t { bytes, chars, sequence, choice, repeat, call, until, avoid, both };
  struct Node {
    Kind kind;
    std::string text;         // bytes, until, avoid
    CharSet set;              // chars
    std::vector<Expr> parts;  // sequence, choice, both; one with repeat
    int least = 0, most = 0;  // repeat
    RuleId rule;              // call
  };
  struct Rule {
    std::string name, shared;
    Expr body;
    bool defined = false;
  };
  const Node& node(Expr e) const { return nodes_[e.id]; }
  const Rule& rule(RuleId r) const { return rules_[r.id]; }
  size_t rule_count() const { return rules_.size(); }

 private:
  Expr add(Node node);

  std::vector<Node> nodes_;
  std::vector<Rule> rules_;
};

}  // namespace troika::grammar
