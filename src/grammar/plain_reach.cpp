// The shortest plain text that is refused, for all states at once: a search from the refusals backwards, over
// pairs of a state and a place in a character. Only states that take every first byte need be looked at; most
// take one.
#include "grammar/plain_reach.h"

#include <algorithm>
#include <unordered_map>

#include "grammar/plain_text.h"

namespace troika::grammar {
namespace {

constexpr uint16_t kForEver = UINT16_MAX;

class Search {
 public:
  explicit Search(const Automaton& automaton) : automaton_(automaton) {}

  std::vector<uint16_t> run() {
    std::vector<uint16_t> reach(automaton_.states(), 0);
    for (State s = 1; s < automaton_.states(); ++s) {
      if (takes_all_first_bytes(s)) number_of(s, PlainText::kBetween);
    }
    for (uint32_t i = 0; i < pairs_.size(); ++i) explore(i);
    spread();
    for (uint32_t i = 0; i < pairs_.size(); ++i) {
      if (pairs_[i].place != PlainText::kBetween) continue;
      reach[pairs_[i].state] = refused_[i] == kForEver ? kForEver : uint16_t(refused_[i] - 1);
    }
    return reach;
  }

 private:
  struct Pair {
    State state;
    PlainText::Place place;
  };

  bool takes_all_first_bytes(State s) const {
    if (!automaton_.takes_bytes(s)) return false;
    for (int byte = 0; byte < 256; ++byte) {
      bool plain = PlainText::follow(PlainText::kBetween, uint8_t(byte)) != PlainText::kNowhere;
      if (plain && automaton_.follow(s, uint8_t(byte)) == kDead) return false;
    }
    return true;
  }

  uint32_t number_of(State s, PlainText::Place place) {
    auto [known, is_new] =
        numbers_.try_emplace(uint64_t{s} << 8 | place, static_cast<uint32_t>(pairs_.size()));
    if (is_new) {
      pairs_.push_back({s, place});
      before_.emplace_back();
      refused_.push_back(kForEver);
    }
    return known->second;
  }

  void explore(uint32_t number) {
    Pair pair = pairs_[number];
    uint32_t last = UINT32_MAX;
    for (int byte = 0; byte < 256; ++byte) {
      PlainText::Place place = PlainText::follow(pair.place, uint8_t(byte));
      if (place == PlainText::kNowhere) continue;
      State to = automaton_.follow(pair.state, uint8_t(byte));
      if (to == kDead) {
        refused_[number] = 1;
        continue;
      }
      // A state between characters that refuses a first byte: known without another look.
      bool short_lived = place == PlainText::kBetween && !numbers_.contains(uint64_t{to} << 8 | place);
      if (short_lived) {
        refused_[number] = std::min<uint16_t>(refused_[number], 2);
        continue;
      }
      uint32_t next = number_of(to, place);
      if (next != last) before_[next].push_back(number);
      last = next;
    }
  }

  // Nearest refusals first.
  void spread() {
    std::vector<std::vector<uint32_t>> at(3);
    for (uint32_t i = 0; i < pairs_.size(); ++i) {
      if (refused_[i] < at.size()) at[refused_[i]].push_back(i);
    }
    for (size_t distance = 1; distance < at.size() && distance + 1 < kForEver; ++distance) {
      for (size_t k = 0; k < at[distance].size(); ++k) {
        uint32_t i = at[distance][k];
        if (refused_[i] != distance) continue;
        for (uint32_t b : before_[i]) {
          if (refused_[b] <= distance + 1) continue;
          refused_[b] = uint16_t(distance + 1);
          if (at.size() <= distance + 1) at.emplace_back();
          at[distance + 1].push_back(b);
        }
      }
    }
  }

  const Automaton& automaton_;
  std::unordered_map<uint64_t, uint32_t> numbers_;
  std::vector<Pair> pairs_;
  std::vector<std::vector<uint32_t>> before_;  // by pair: those that one byte leads here from
  std::vector<uint16_t> refused_;              // by pair: bytes of the shortest plain text that is refused
};

}  // namespace

std::vector<uint16_t> find_plain_reach(const Automaton& automaton) { return Search(automaton).run(); }

}  // namespace troika::grammar
