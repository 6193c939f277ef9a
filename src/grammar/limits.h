// What compiling one grammar may use. Grammars come from strangers: every loop that one can make longer draws
// on this.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/error.h"

namespace troika::grammar {

struct Limits {
  size_t nfa_states = 1'000'000;
  size_t states = 100'000;         // of the deterministic automaton
  size_t table_bytes = 64u << 20;  // of its transitions
  size_t work = 60'000'000;        // small steps: about a second
};

class Budget {
 public:
  explicit Budget(const Limits& limits) : limits_(limits) {}

  const Limits& limits() const { return limits_; }
  // What may still be used.
  Limits left() const {
    auto rest = [](size_t most, size_t used) { return most - std::min(most, used); };
    return {.nfa_states = rest(limits_.nfa_states, nfa_states_),
            .states = rest(limits_.states, states_),
            .table_bytes = limits_.table_bytes,
            .work = rest(limits_.work, work_)};
  }
  void spend(size_t steps) {
    work_ += steps;
    if (work_ > limits_.work) fail("the grammar takes too long to compile; make it simpler");
  }
  void count_nfa_state() {
    if (++nfa_states_ > limits_.nfa_states) {
      fail(
          "the grammar is too large: it needs more than {} steps of matching; use smaller counts and lengths",
          limits_.nfa_states);
    }
  }
  void count_state() {
    if (++states_ > limits_.states) {
      fail("the grammar is too large: it needs more than {} states; use smaller counts and lengths",
           limits_.states);
    }
  }

 private:
  Limits limits_;
  size_t work_ = 0, nfa_states_ = 0, states_ = 0;
};

}  // namespace troika::grammar
