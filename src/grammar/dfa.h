// One rule as a deterministic automaton: a byte, or a call of a rule, leads from a state to one state at
// most.
#pragma once

#include <cstdint>
#include <vector>

#include "grammar/limits.h"
#include "grammar/nfa.h"

namespace troika::grammar {

struct Dfa {
  struct Step {
    uint8_t first = 0, last = 0;
    uint32_t to = 0;
  };
  struct Call {
    uint32_t rule = 0;
    uint32_t to = 0;  // after it
  };
  struct State {
    std::vector<Step> steps;  // by byte, apart from each other
    std::vector<Call> calls;  // by rule, one for each
    bool accepting = false;
  };

  Dfa() = default;
  Dfa(const Nfa& nfa, Budget& budget);

  std::vector<State> states;  // the first is the start
};

// What both accept; neither calls a rule.
Dfa intersect(const Dfa& a, const Dfa& b, Budget& budget);

}  // namespace troika::grammar
