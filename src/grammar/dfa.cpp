// The construction by subsets: a state is the set of the other automaton's states that one may be in.
#include "grammar/dfa.h"

#include <algorithm>
#include <bitset>
#include <map>
#include <unordered_map>

#include "base/error.h"

namespace troika::grammar {
namespace {

using StateSet = std::vector<uint32_t>;  // sorted

struct HashSet {
  size_t operator()(const StateSet& set) const {
    uint64_t hash = 0xcbf29ce484222325;
    for (uint32_t s : set) hash = (hash ^ s) * 0x100000001b3;
    return hash ^ hash >> 29;
  }
};

class Subsets {
 public:
  Subsets(const Nfa& nfa, Dfa& dfa, Budget& budget)
      : nfa_(nfa), dfa_(dfa), budget_(budget), seen_(nfa.size(), 0) {}

  void build() {
    number_of({nfa_.start()});
    for (size_t i = 0; i < sets_.size(); ++i) expand(static_cast<uint32_t>(i));
  }

 private:
  // The state for these and all that follows from them without a byte.
  uint32_t number_of(StateSet set) {
    close(set);
    auto [known, is_new] = numbers_.try_emplace(set, static_cast<uint32_t>(sets_.size()));
    if (is_new) {
      budget_.count_state();
      sets_.push_back(&known->first);
      dfa_.states.emplace_back().accepting = std::binary_search(set.begin(), set.end(), Nfa::kAccept);
    }
    return known->second;
  }

  void close(StateSet& set) {
    ++mark_;
    StateSet closed, open = std::move(set);
    for (uint32_t s : open) seen_[s] = mark_;
    while (!open.empty()) {
      uint32_t s = open.back();
      open.pop_back();
      bool matters = s == Nfa::kAccept;
      nfa_.for_edges(s, [&](const Nfa::Edge& edge) {
        budget_.spend(1);
        if (edge.kind != Nfa::Edge::Kind::empty) {
          matters = true;
        } else if (seen_[edge.to] != mark_) {
          seen_[edge.to] = mark_;
          open.push_back(edge.to);
        }
      });
      if (matters) closed.push_back(s);
    }
    std::sort(closed.begin(), closed.end());
    set = std::move(closed);
  }

  void expand(uint32_t number) {
    std::vector<Nfa::Edge> bytes;
    std::map<uint32_t, StateSet> calls;
    std::bitset<257> cut;  // where the set of targets may change
    for (uint32_t s : *sets_[number]) {
      nfa_.for_edges(s, [&](const Nfa::Edge& edge) {
        if (edge.kind == Nfa::Edge::Kind::call) calls[edge.rule].push_back(edge.to);
        if (edge.kind != Nfa::Edge::Kind::bytes) return;
        bytes.push_back(edge);
        cut.set(edge.first);
        cut.set(size_t(edge.last) + 1);
      });
    }
    std::vector<Dfa::Step> steps;
    for (int first = 0, last; first < 256; first = last + 1) {
      last = first;
      while (last < 255 && !cut[size_t(last) + 1]) ++last;
      StateSet targets;
      for (const Nfa::Edge& edge : bytes) {
        if (edge.first <= first && first <= edge.last) targets.push_back(edge.to);
      }
      budget_.spend(bytes.size());
      if (targets.empty()) continue;
      uint32_t to = number_of(std::move(targets));
      if (!steps.empty() && steps.back().to == to && steps.back().last + 1 == first) {
        steps.back().last = uint8_t(last);
      } else {
        steps.push_back({uint8_t(first), uint8_t(last), to});
      }
    }
    std::vector<Dfa::Call> returns;
    for (auto& [rule, targets] : calls) returns.push_back({rule, number_of(std::move(targets))});
    dfa_.states[number].steps = std::move(steps);
    dfa_.states[number].calls = std::move(returns);
  }

  const Nfa& nfa_;
  Dfa& dfa_;
  Budget& budget_;
  std::unordered_map<StateSet, uint32_t, HashSet> numbers_;
  std::vector<const StateSet*> sets_;  // by number
  std::vector<uint32_t> seen_;
  uint32_t mark_ = 0;
};

}  // namespace

Dfa::Dfa(const Nfa& nfa, Budget& budget) { Subsets(nfa, *this, budget).build(); }

Dfa intersect(const Dfa& a, const Dfa& b, Budget& budget) {
  Dfa both;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> numbers;
  std::vector<std::pair<uint32_t, uint32_t>> pairs;
  auto number_of = [&](uint32_t x, uint32_t y) {
    auto [known, is_new] = numbers.try_emplace({x, y}, static_cast<uint32_t>(pairs.size()));
    if (is_new) {
      budget.count_state();
      pairs.emplace_back(x, y);
      both.states.emplace_back().accepting = a.states[x].accepting && b.states[y].accepting;
    }
    return known->second;
  };
  number_of(0, 0);
  for (size_t i = 0; i < pairs.size(); ++i) {
    auto [x, y] = pairs[i];
    check(a.states[x].calls.empty() && b.states[y].calls.empty(), "what is intersected calls no rule");
    std::vector<Dfa::Step> steps;
    for (const Dfa::Step& s : a.states[x].steps) {
      for (const Dfa::Step& t : b.states[y].steps) {
        budget.spend(1);
        uint8_t first = std::max(s.first, t.first), last = std::min(s.last, t.last);
        if (first <= last) steps.push_back({first, last, number_of(s.to, t.to)});
      }
    }
    both.states[i].steps = std::move(steps);
  }
  return both;
}

}  // namespace troika::grammar
