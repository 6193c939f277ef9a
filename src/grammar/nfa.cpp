#include "grammar/nfa.h"

#include <array>
#include <map>
#include <tuple>

#include "base/error.h"
#include "grammar/dfa.h"
#include "grammar/utf8_ranges.h"

namespace troika::grammar {
namespace {

// Lists of a schema nest an expression for each item: its limits (schema_keywords.cpp) stay well below this.
// So deep takes 1.5 MB of the stack, 6 under sanitizers.
constexpr int kMostDepth = 7'000;
constexpr size_t kRememberingSteps = 16;  // what it takes of the budget: 60 million steps then hold 200 MB

}  // namespace

Nfa::Nfa(const Rules& rules, Expr body, Budget& budget) : rules_(rules), budget_(budget) {
  new_state();  // kAccept
  start_ = before(body, kAccept);
  built_.clear();
}

uint32_t Nfa::new_state() {
  budget_.count_nfa_state();
  first_edge_.push_back(0);
  return static_cast<uint32_t>(first_edge_.size() - 1);
}

void Nfa::add(uint32_t from, Edge edge) {
  budget_.spend(1);
  edge.next = first_edge_[from];
  edges_.push_back(edge);
  first_edge_[from] = static_cast<uint32_t>(edges_.size());
}

void Nfa::add_bytes(uint32_t from, uint8_t first, uint8_t last, uint32_t to) {
  add(from, {.kind = Edge::Kind::bytes, .first = first, .last = last, .to = to});
}

// The entry of `e`, from which its end leads to `next`.
uint32_t Nfa::before(Expr e, uint32_t next) {
  budget_.spend(1);
  uint64_t key = uint64_t{e.id} << 32 | next;
  if (auto known = built_.find(key); known != built_.end()) return known->second;
  if (depth_ == kMostDepth)
    fail("the grammar is nested deeper than {} levels; use shorter lists and flatter groups", kMostDepth);
  ++depth_;
  const size_t states_before = size();
  uint32_t entry = build(rules_.node(e), next);
  --depth_;
  if (size() == states_before) return entry;  // it is nothing, or was built: as quickly found again
  budget_.spend(kRememberingSteps);
  built_.emplace(key, entry);
  return entry;
}

uint32_t Nfa::build(const Rules::Node& node, uint32_t next) {
  switch (node.kind) {
    case Rules::Kind::bytes:
      return build_text(node.text, next);
    case Rules::Kind::chars:
      return build_chars(node.set, next);
    case Rules::Kind::sequence:
      for (auto part = node.parts.rbegin(); part != node.parts.rend(); ++part) next = before(*part, next);
      return next;
    case Rules::Kind::choice: {
      uint32_t entry = new_state();
      for (Expr part : node.parts) add_empty(entry, before(part, next));
      return entry;
    }
    case Rules::Kind::repeat:
      return build_repeat(node, next);
    case Rules::Kind::call: {
      uint32_t entry = new_state();
      add(entry, {.kind = Edge::Kind::call, .rule = node.rule.id, .to = next});
      return entry;
    }
    case Rules::Kind::until:
    case Rules::Kind::avoid:
      return build_search(node, next);
    case Rules::Kind::both:
      return build_both(node, next);
  }
  return next;
}

uint32_t Nfa::build_text(std::string_view text, uint32_t next) {
  for (auto c = text.rbegin(); c != text.rend(); ++c) {
    uint32_t entry = new_state();
    add_bytes(entry, uint8_t(*c), uint8_t(*c), next);
    next = entry;
  }
  return next;
}

uint32_t Nfa::build_chars(const CharSet& set, uint32_t next) {
  uint32_t entry = new_state();
  std::map<std::tuple<uint8_t, uint8_t, uint32_t>, uint32_t> ends;  // equal ends of several sequences
  for_utf8_sequences(set, [&](std::span<const ByteRange> sequence) {
    uint32_t to = next;
    for (size_t i = sequence.size() - 1; i > 0; --i) {
      auto [end, is_new] = ends.try_emplace({sequence[i].first, sequence[i].last, to});
      if (is_new) {
        end->second = new_state();
        add_bytes(end->second, sequence[i].first, sequence[i].last, to);
      }
      to = end->second;
    }
    add_bytes(entry, sequence[0].first, sequence[0].last, to);
  });
  return entry;
}

uint32_t Nfa::build_repeat(const Rules::Node& node, uint32_t next) {
  Expr part = node.parts[0];
  uint32_t entry = next;
  if (node.most == kNoLimit) {
    entry = new_state();
    add_empty(entry, next);
    add_empty(entry, before(part, entry));
  } else {
    for (int i = node.most; i > node.least; --i) {
      uint32_t once_more = before(part, entry);
      entry = new_state();
      add_empty(entry, next);
      add_empty(entry, once_more);
    }
  }
  for (int i = 0; i < node.least; ++i) {
    uint32_t shorter = entry;
    entry = before(part, shorter);
    if (entry == shorter) break;  // the part is empty
  }
  return entry;
}

// Knuth-Morris-Pratt's automaton: state i has seen the marker's first i bytes.
uint32_t Nfa::build_search(const Rules::Node& node, uint32_t next) {
  const std::string& marker = node.text;
  check(!marker.empty(), "a marker to search for");
  std::vector<std::array<uint32_t, 256>> follow(marker.size());
  size_t border = 0;
  for (size_t i = 0; i < marker.size(); ++i) {
    follow[i] = i == 0 ? std::array<uint32_t, 256>{} : follow[border];
    uint8_t byte = uint8_t(marker[i]);
    size_t longer = i == 0 ? 0 : follow[border][byte];
    follow[i][byte] = static_cast<uint32_t>(i + 1);
    border = longer;
  }
  std::vector<uint32_t> states;
  for (size_t i = 0; i < marker.size(); ++i) states.push_back(new_state());
  for (size_t i = 0; i < marker.size(); ++i) {
    if (node.kind == Rules::Kind::avoid) add_empty(states[i], next);
    for (int first = 0, last; first < 256; first = last + 1) {
      uint32_t to = follow[i][first];
      last = first;
      while (last < 255 && follow[i][last + 1] == to) ++last;
      bool found = to == marker.size();
      if (found && node.kind == Rules::Kind::avoid) continue;
      add_bytes(states[i], uint8_t(first), uint8_t(last), found ? next : states[to]);
    }
  }
  return states[0];
}

uint32_t Nfa::build_both(const Rules::Node& node, uint32_t next) {
  Dfa a(Nfa(rules_, node.parts[0], budget_), budget_), b(Nfa(rules_, node.parts[1], budget_), budget_);
  Dfa both = intersect(a, b, budget_);
  uint32_t first = static_cast<uint32_t>(size());
  for (size_t i = 0; i < both.states.size(); ++i) new_state();
  for (uint32_t i = 0; i < both.states.size(); ++i) {
    if (both.states[i].accepting) add_empty(first + i, next);
    for (const Dfa::Step& step : both.states[i].steps)
      add_bytes(first + i, step.first, step.last, first + step.to);
  }
  return first;
}

}  // namespace troika::grammar
