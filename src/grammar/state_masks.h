// What a state allows, known ahead: which tokens keep it alive whatever the calls under way return to, and
// where in the trie its rule ends, so that what follows there depends on them. With these a step need only
// look at the few tokens that reach over the end of a rule, such as `",` in a string of JSON.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "grammar/automaton.h"
#include "grammar/machine.h"
#include "grammar/trie_walk.h"
#include "grammar/vocabulary.h"

namespace troika::grammar {

struct StateMask {
  size_t plain_parts = 0;         // all tokens of so many parts of the vocabulary are allowed,
  std::vector<int32_t> ids;       // and these,
  std::vector<uint64_t> words;    // or these, where a bit a token takes less room
  std::vector<uint32_t> returns;  // nodes where the rule may end with more of a token to come

  size_t bytes() const { return ids.size() * 4 + words.size() * 8 + returns.size() * 4 + sizeof *this; }
};

// Places that may be looked at for one mask: some milliseconds. All sequences of a step wait for it.
inline constexpr size_t kMostMaskWork = 5'000'000;

// How many parts of the vocabulary a state allows as a whole.
size_t plain_parts(const Vocabulary& vocabulary, uint16_t plain_reach);

// Masks of rules that are the same in every grammar. Used by several threads.
class SharedMasks {
 public:
  // The mask of the rule's state number `index`; `make` computes it the first time.
  template <typename Make>
  std::shared_ptr<const StateMask> get(const std::string& rule, uint32_t index, Make make) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<const StateMask>& mask = masks_[{rule, index}];
    if (!mask) mask = std::make_shared<const StateMask>(make());
    return mask;
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, uint32_t>, std::shared_ptr<const StateMask>> masks_;
};

// Masks of as many states as a budget of memory and time allows. Immutable.
class StateMasks {
 public:
  StateMasks(const Automaton& automaton, const Vocabulary& vocabulary, SharedMasks& shared);

  const StateMask* find(State s) const { return masks_[s].get(); }  // null: not known ahead
  size_t plain_parts(State s) const { return plain_parts_[s]; }
  size_t bytes() const { return bytes_; }

 private:
  StateMask compute(Machine& machine, TrieWalk& walk, State s) const;

  const Automaton& automaton_;
  const Vocabulary& vocabulary_;
  std::vector<std::shared_ptr<const StateMask>> masks_;  // by state
  std::vector<uint8_t> plain_parts_;
  size_t bytes_ = 0;
};

}  // namespace troika::grammar
