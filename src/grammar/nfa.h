// An expression as a nondeterministic automaton over bytes. It is built from its end: an expression is
// compiled in front of the state that follows it, so that equal rests of a rule are built once.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "grammar/limits.h"
#include "grammar/rules.h"

namespace troika::grammar {

class Nfa {
 public:
  struct Edge {
    enum class Kind : uint8_t { empty, bytes, call };
    Kind kind;
    uint8_t first = 0, last = 0;  // bytes
    uint32_t rule = 0;            // call
    uint32_t to = 0;
    uint32_t next = 0;  // edge of the same state, +1; 0: none
  };

  // Throws Error when a budget is spent.
  Nfa(const Rules& rules, Expr body, Budget& budget);

  uint32_t start() const { return start_; }
  static constexpr uint32_t kAccept = 0;
  size_t size() const { return first_edge_.size(); }
  template <typename Visit>
  void for_edges(uint32_t state, Visit visit) const {
    for (uint32_t e = first_edge_[state]; e != 0; e = edges_[e - 1].next) visit(edges_[e - 1]);
  }

 private:
  uint32_t new_state();
  void add(uint32_t from, Edge edge);
  void add_bytes(uint32_t from, uint8_t first, uint8_t last, uint32_t to);
  void add_empty(uint32_t from, uint32_t to) { add(from, {.kind = Edge::Kind::empty, .to = to}); }

  uint32_t before(Expr e, uint32_t next);
  uint32_t build(const Rules::Node& node, uint32_t next);
  uint32_t build_text(std::string_view text, uint32_t next);
  uint32_t build_chars(const CharSet& set, uint32_t next);
  uint32_t build_repeat(const Rules::Node& node, uint32_t next);
  uint32_t build_search(const Rules::Node& node, uint32_t next);
  uint32_t build_both(const Rules::Node& node, uint32_t next);

  const Rules& rules_;
  Budget& budget_;
  std::vector<uint32_t> first_edge_;
  std::vector<Edge> edges_;
  std::unordered_map<uint64_t, uint32_t> built_;  // (expression, what follows) → its entry
  int depth_ = 0;                                 // of the expression that is being built
  uint32_t start_ = 0;
};

}  // namespace troika::grammar
