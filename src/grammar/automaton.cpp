// Rules become automata one by one; dead ends go; then all are laid into one table.
#include "grammar/automaton.h"

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "grammar/dfa.h"
#include "grammar/nfa.h"

namespace troika::grammar {

size_t Automaton::bytes() const {
  return table_.size() * sizeof(State) + calls_.size() * sizeof(Call) + states() * (sizeof(uint32_t) + 2);
}

class Assembler {
 public:
  Assembler(const Rules& rules, Budget& budget) : rules_(rules), budget_(budget) {}
  Automaton build(Expr root);

 private:
  struct Part {
    std::string name, shared;
    Dfa dfa;
    std::vector<bool> ends;  // by state: an end can be reached
    bool nullable = false;
    State first = 0;  // of its states in the table
  };

  void add_parts(Expr root);
  void find_ends();
  bool may_end(const Part& part, const Dfa::State& state) const;
  void find_nullable();
  std::vector<bool> reached_without_byte(const Part& part) const;
  void refuse_left_recursion() const;
  void classify_bytes(Automaton& a) const;
  void lay_out(Automaton& a);
  bool is_final(const Part& part, uint32_t state) const;

  const Rules& rules_;
  Budget& budget_;
  std::vector<Part> parts_;                         // the root first
  std::unordered_map<uint32_t, uint32_t> part_of_;  // rule → its part
};

void Assembler::add_parts(Expr root) {
  std::vector<uint32_t> waiting;
  auto add = [&](std::string name, std::string shared, Expr body) {
    Dfa dfa(Nfa(rules_, body, budget_), budget_);
    for (const Dfa::State& state : dfa.states) {
      for (const Dfa::Call& call : state.calls) {
        if (part_of_.try_emplace(call.rule, static_cast<uint32_t>(1 + part_of_.size())).second)
          waiting.push_back(call.rule);
      }
    }
    parts_.push_back({.name = std::move(name), .shared = std::move(shared), .dfa = std::move(dfa)});
  };
  add("", "", root);
  for (size_t i = 0; i < waiting.size(); ++i) {
    const Rules::Rule& rule = rules_.rule(RuleId{waiting[i]});
    check(rule.defined, "a rule that is called is defined");
    add(rule.name, rule.shared, rule.body);
  }
}

bool Assembler::may_end(const Part& part, const Dfa::State& state) const {
  auto ends = [&](uint32_t to) { return bool(part.ends[to]); };
  return state.accepting ||
         std::any_of(state.steps.begin(), state.steps.end(), [&](auto& s) { return ends(s.to); }) ||
         std::any_of(state.calls.begin(), state.calls.end(),
                     [&](auto& c) { return ends(c.to) && parts_[part_of_.at(c.rule)].ends[0]; });
}

void Assembler::find_ends() {
  for (Part& part : parts_) part.ends.assign(part.dfa.states.size(), false);
  for (bool changed = true; changed;) {
    changed = false;
    for (Part& part : parts_) {
      // States are numbered from the start on: backwards, most are settled in one pass.
      for (size_t i = part.dfa.states.size(); i-- > 0;) {
        budget_.spend(1);
        if (part.ends[i]) continue;
        const Dfa::State& state = part.dfa.states[i];
        budget_.spend(state.steps.size() + state.calls.size());
        if (!may_end(part, state)) continue;
        part.ends[i] = changed = true;
      }
    }
  }
  if (!parts_[0].ends[0]) fail("nothing can match this: every way through it is contradictory or has no end");
  for (Part& part : parts_) {
    for (Dfa::State& state : part.dfa.states) {
      std::erase_if(state.steps, [&](const Dfa::Step& s) { return !part.ends[s.to]; });
      std::erase_if(state.calls, [&](const Dfa::Call& c) {
        return !part.ends[c.to] || !parts_[part_of_.at(c.rule)].ends[0];
      });
    }
  }
}

// The states that a part may be in before it took a byte.
std::vector<bool> Assembler::reached_without_byte(const Part& part) const {
  budget_.spend(part.dfa.states.size());
  std::vector<bool> reached(part.dfa.states.size(), false);
  std::vector<uint32_t> open = {0};
  reached[0] = true;
  while (!open.empty()) {
    uint32_t s = open.back();
    open.pop_back();
    budget_.spend(1 + part.dfa.states[s].calls.size());
    for (const Dfa::Call& call : part.dfa.states[s].calls) {
      if (!parts_[part_of_.at(call.rule)].nullable || reached[call.to]) continue;
      reached[call.to] = true;
      open.push_back(call.to);
    }
  }
  return reached;
}

void Assembler::find_nullable() {
  for (bool changed = true; changed;) {
    changed = false;
    for (Part& part : parts_) {
      if (part.nullable) continue;
      std::vector<bool> reached = reached_without_byte(part);
      for (size_t s = 0; s < reached.size(); ++s) part.nullable |= reached[s] && part.dfa.states[s].accepting;
      changed |= part.nullable;
    }
  }
}

// A rule that calls itself before it took a byte would do so for ever.
void Assembler::refuse_left_recursion() const {
  std::vector<std::vector<uint32_t>> begins(parts_.size());  // the parts that a part may begin with
  for (size_t p = 0; p < parts_.size(); ++p) {
    std::vector<bool> reached = reached_without_byte(parts_[p]);
    for (size_t s = 0; s < reached.size(); ++s) {
      if (!reached[s]) continue;
      for (const Dfa::Call& call : parts_[p].dfa.states[s].calls) begins[p].push_back(part_of_.at(call.rule));
    }
  }
  enum class Visit { no, open, done };
  std::vector<Visit> visit(parts_.size(), Visit::no);
  struct Frame {
    uint32_t part;
    size_t next;
  };
  for (uint32_t root = 0; root < parts_.size(); ++root) {
    std::vector<Frame> frames;
    if (visit[root] == Visit::no) frames.push_back({root, 0});
    while (!frames.empty()) {
      auto& [part, next] = frames.back();
      visit[part] = Visit::open;
      if (next == begins[part].size()) {
        visit[part] = Visit::done;
        frames.pop_back();
        continue;
      }
      uint32_t callee = begins[part][next++];
      if (visit[callee] == Visit::open) {
        fail(
            "the rule '{}' begins with itself (left recursion); write what repeats behind what it begins "
            "with",
            parts_[callee].name.substr(0, 80));
      }
      if (visit[callee] == Visit::no) frames.push_back({callee, 0});
    }
  }
}

void Assembler::classify_bytes(Automaton& a) const {
  std::array<bool, 257> cut{};
  for (const Part& part : parts_) {
    for (const Dfa::State& state : part.dfa.states) {
      for (const Dfa::Step& step : state.steps) cut[step.first] = cut[size_t(step.last) + 1] = true;
    }
  }
  uint8_t number = 0;
  for (size_t byte = 0; byte < 256; ++byte) a.class_of_[byte] = byte > 0 && cut[byte] ? ++number : number;
  a.classes_ = size_t(number) + 1;
}

bool Assembler::is_final(const Part& part, uint32_t state) const {
  const Dfa::State& s = part.dfa.states[state];
  return s.accepting && s.steps.empty() && s.calls.empty();
}

void Assembler::lay_out(Automaton& a) {
  State states = 1;  // the dead one
  for (Part& part : parts_) {
    part.first = states;
    states += static_cast<State>(part.dfa.states.size());
    if (part.shared.empty()) continue;
    a.shared_rules_.push_back({part.shared, part.first, static_cast<uint32_t>(part.dfa.states.size())});
  }
  if (states * a.classes_ * sizeof(State) > budget_.limits().table_bytes) {
    fail("the grammar is too large: its table needs {} MiB, more than {}; use smaller counts and lengths",
         states * a.classes_ * sizeof(State) >> 20, budget_.limits().table_bytes >> 20);
  }
  a.table_.assign(states * a.classes_, kDead);
  a.marks_.assign(states, 0);
  a.takes_bytes_.assign(states, false);
  a.first_call_ = {0, 0};
  for (const Part& part : parts_) {
    for (uint32_t i = 0; i < part.dfa.states.size(); ++i) {
      const Dfa::State& from = part.dfa.states[i];
      State s = part.first + i;
      for (const Dfa::Step& step : from.steps) {
        for (size_t c = a.class_of_[step.first]; c <= a.class_of_[step.last]; ++c)
          a.table_[s * a.classes_ + c] = part.first + step.to;
      }
      for (const Dfa::Call& call : from.calls) {
        a.calls_.push_back(
            {parts_[part_of_.at(call.rule)].first, part.first + call.to, is_final(part, call.to)});
      }
      a.first_call_.push_back(static_cast<uint32_t>(a.calls_.size()));
      a.takes_bytes_[s] = !from.steps.empty();
      a.marks_[s] = uint8_t((from.accepting ? Automaton::kAccepting : 0) |
                            (from.calls.empty() ? 0 : Automaton::kCalls));
    }
  }
  a.start_ = parts_[0].first;
}

Automaton Assembler::build(Expr root) {
  add_parts(root);
  find_ends();
  find_nullable();
  refuse_left_recursion();
  Automaton a;
  classify_bytes(a);
  lay_out(a);
  return a;
}

Automaton compile(const Rules& rules, Expr root, Budget& budget) {
  return Assembler(rules, budget).build(root);
}

Automaton compile(const Rules& rules, Expr root, const Limits& limits) {
  Budget budget(limits);
  return compile(rules, root, budget);
}

}  // namespace troika::grammar
