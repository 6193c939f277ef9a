// Running an automaton byte by byte. Where a grammar is ambiguous for a while, all ways are followed at once;
// each is a place, a state with the calls that it will return from. Calls under way form a tree that equal
// ways share, so that a thousand ways through one list cost one.
//
// A machine holds a stack of such sets, one set of places on top of another: a walk over a trie of tokens
// goes back by dropping the last. Memory is taken once; what does not fit is not followed, and so not
// allowed. Work is counted: a grammar from a stranger may have a thousand ways at every byte.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "grammar/automaton.h"

namespace troika::grammar {

// Calls that are under way, as a tree of returns. 0 is the bottom: nothing is under way.
class CallTree {
 public:
  static constexpr uint32_t kBottom = 0, kFull = UINT32_MAX;
  static constexpr uint32_t kMostDepth = 512, kMostNodes = 1 << 12;

  CallTree();
  // The node for returning to `back` and then on from `below`: one for each such pair.
  uint32_t push(State back, uint32_t below);
  State back(uint32_t node) const { return nodes_[node].back; }
  uint32_t below(uint32_t node) const { return nodes_[node].below; }
  uint32_t depth(uint32_t node) const { return nodes_[node].depth; }
  size_t size() const { return nodes_.size(); }
  void shrink(size_t size);  // forgets the newest

 private:
  struct Node {
    State back = kDead;
    uint32_t below = kBottom, depth = 0;
  };
  size_t slot(State back, uint32_t below) const;

  std::vector<Node> nodes_;
  std::vector<uint32_t> slots_;  // open addressing; what was added last is taken out first
};

struct Place {
  State state = kDead;
  uint32_t calls = CallTree::kBottom;

  bool operator==(const Place&) const = default;
};

class Machine {
 public:
  explicit Machine(const Automaton& automaton);

  const Automaton& automaton() const { return *automaton_; }

  // From now on it may look at so many places. Once it is tired, what it finds is not all that there is.
  void allow_work(size_t steps) { work_left_ = steps; }
  void spend(size_t steps) { work_left_ -= std::min(steps, work_left_); }
  size_t work_left() const { return work_left_; }
  bool tired() const { return work_left_ == 0; }

  // Whether the automaton matches the whole text. False, too, when it got tired.
  bool matches(std::string_view text);

  void clear();  // no set at all
  // A new set: this place alone, or with all that follows from it without a byte.
  void push_alone(Place place);
  void push_entered(Place place);
  // A new set: where the byte leads from set number `from`. False, and no new set, when it leads nowhere.
  bool push_step(size_t from, uint8_t byte);
  void pop(size_t sets);  // until so many are left

  size_t sets() const { return sets_.size(); }
  std::span<const Place> places(size_t set) const;
  // Whether everything that was under way has ended: the text may be complete here.
  bool ended(size_t set) const { return sets_[set].ended; }
  const CallTree& calls() const { return calls_; }
  // The deepest nesting of the set's places.
  uint32_t depth(size_t set) const;

  // Keeps the last set only and forgets all calls that it does not need.
  void settle();

 private:
  struct Set {
    size_t places = 0, calls = 0;  // counts before it
    bool ended = false;
  };
  static constexpr size_t kMostPlaces = 1024;  // of a set

  void open_set();
  void add(Place place);
  void enter_all();
  uint32_t move_calls(uint32_t node, const CallTree& from);

  const Automaton* automaton_;
  CallTree calls_, spare_;
  std::vector<Place> places_;
  std::vector<Set> sets_;
  size_t work_left_ = SIZE_MAX;
};

// Whether the automaton matches the whole text.
bool matches(const Automaton& automaton, std::string_view text);

}  // namespace troika::grammar
