// A compiled grammar: the states of all its rules in one table, from which a stack of calls makes a pushdown
// automaton over bytes. Every state can still come to an end, so what is alive can be completed. Immutable.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "grammar/limits.h"
#include "grammar/rules.h"

namespace troika::grammar {

using State = uint32_t;
inline constexpr State kDead = 0;

class Automaton {
 public:
  struct Call {
    State callee = kDead;  // where the rule begins
    State back = kDead;    // where its end leads to
    bool last = false;     // nothing follows `back`: its caller's caller is returned to at once
  };
  // A rule whose states are the same in every grammar that has it.
  struct SharedRule {
    std::string name;
    State first = 0;
    uint32_t count = 0;
  };

  State start() const { return start_; }
  State follow(State s, uint8_t byte) const { return table_[size_t(s) * classes_ + class_of_[byte]]; }
  bool accepting(State s) const { return marks_[s] & kAccepting; }
  // Whether to be in this state is to be nowhere else besides: it neither ends a rule nor calls one.
  bool alone(State s) const { return marks_[s] == 0; }
  bool takes_bytes(State s) const { return takes_bytes_[s]; }
  std::span<const Call> calls(State s) const {
    return {calls_.data() + first_call_[s], first_call_[s + 1] - first_call_[s]};
  }
  size_t states() const { return marks_.size(); }
  size_t bytes() const;  // of memory
  const std::vector<SharedRule>& shared_rules() const { return shared_rules_; }

 private:
  friend class Assembler;
  static constexpr uint8_t kAccepting = 1, kCalls = 2;

  std::array<uint8_t, 256> class_of_{};  // bytes that no state tells apart
  size_t classes_ = 1;
  std::vector<State> table_;  // [states, classes]
  std::vector<uint8_t> marks_;
  std::vector<bool> takes_bytes_;
  std::vector<uint32_t> first_call_;
  std::vector<Call> calls_;
  std::vector<SharedRule> shared_rules_;
  State start_ = kDead;
};

// Throws Error: a budget is spent, a rule calls itself before it took a byte, nothing matches at all.
Automaton compile(const Rules& rules, Expr root, Budget& budget);
Automaton compile(const Rules& rules, Expr root, const Limits& limits = {});

}  // namespace troika::grammar
