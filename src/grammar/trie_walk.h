// Walking an automaton over a vocabulary's trie: each beginning that tokens share is looked at once, and what no token
// can mend is left with all below it.
#pragma once

#include <cstdint>
#include <vector>

#include "grammar/machine.h"
#include "grammar/vocabulary.h"

namespace troika::grammar {

class TrieWalk {
 public:
  explicit TrieWalk(const Vocabulary& vocabulary) : vocabulary_(&vocabulary) {
    path_.reserve(vocabulary.longest());
    alone_.reserve(vocabulary.longest());
  }

  // Visits the nodes from `first` to `end` that the machine's last set leads to: alive(node) for each, ended(node) where
  // nothing is under way any more. Stops when the machine is tired.
  template <typename Alive, typename Ended>
  void from_last_set(Machine& machine, uint32_t first, uint32_t end, Alive alive, Ended ended) {
    path_.clear();
    for (uint32_t node = first; node < end && !machine.tired();) {
      for (; !path_.empty() && node >= path_.back(); path_.pop_back()) machine.pop(machine.sets() - 1);
      const uint32_t behind = vocabulary_->end(node);
      if (!machine.push_step(machine.sets() - 1, vocabulary_->byte(node))) {
        node = behind;
        continue;
      }
      const size_t here = machine.sets() - 1;
      alive(node);
      if (machine.ended(here)) ended(node);
      if (behind > node + 1 && !machine.places(here).empty()) {
        path_.push_back(behind);
        ++node;
      } else {
        machine.pop(here);
        node = behind;
      }
    }
    machine.pop(machine.sets() - path_.size());
  }

  // The same from one place. As long as it stays one, which in most grammars is nearly always, a state is all there is to
  // remember.
  template <typename Alive, typename Ended>
  void from_place(Machine& machine, Place place, uint32_t first, uint32_t end, Alive alive, Ended ended) {
    const Automaton& automaton = machine.automaton();
    alone_.clear();
    size_t looked_at = 0;
    for (uint32_t node = first; node < end && !machine.tired(); ++looked_at) {
      while (!alone_.empty() && node >= alone_.back().end) alone_.pop_back();
      const State from = alone_.empty() ? place.state : alone_.back().state;
      const State to = automaton.follow(from, vocabulary_->byte(node));
      const uint32_t behind = vocabulary_->end(node);
      if (to == kDead) {
        node = behind;
      } else if (automaton.alone(to)) {
        alive(node);
        if (behind > node + 1) alone_.push_back({behind, to});
        ++node;
      } else {
        machine.push_alone({from, place.calls});
        from_last_set(machine, node, behind, alive, ended);
        machine.pop(machine.sets() - 1);
        node = behind;
      }
    }
    machine.spend(looked_at);
  }

 private:
  struct Lone {
    uint32_t end = 0;
    State state = kDead;
  };

  const Vocabulary* vocabulary_;
  std::vector<uint32_t> path_;  // ends of the nodes that the walk is below
  std::vector<Lone> alone_;     // the same, with where they led to
};

}  // namespace troika::grammar
