#include "grammar/machine.h"

#include <algorithm>
#include <utility>

namespace troika::grammar {
namespace {

constexpr size_t kSlots = size_t{CallTree::kMostNodes} * 2;
constexpr uint32_t kFree = UINT32_MAX;

}  // namespace

CallTree::CallTree() : nodes_(1), slots_(kSlots, kFree) { nodes_.reserve(kMostNodes); }

size_t CallTree::slot(State back, uint32_t below) const {
  uint64_t hash = (uint64_t{back} << 32 | below) * 0x9E3779B97F4A7C15;
  size_t at = (hash >> 40) & (kSlots - 1);
  while (slots_[at] != kFree && (nodes_[slots_[at]].back != back || nodes_[slots_[at]].below != below)) {
    at = (at + 1) & (kSlots - 1);
  }
  return at;
}

uint32_t CallTree::push(State back, uint32_t below) {
  uint32_t& place = slots_[slot(back, below)];
  if (place != kFree) return place;
  if (nodes_.size() == kMostNodes || nodes_[below].depth == kMostDepth) return kFull;
  place = static_cast<uint32_t>(nodes_.size());
  nodes_.push_back({back, below, nodes_[below].depth + 1});
  return place;
}

void CallTree::shrink(size_t size) {
  while (nodes_.size() > size) {
    slots_[slot(nodes_.back().back, nodes_.back().below)] = kFree;
    nodes_.pop_back();
  }
}

Machine::Machine(const Automaton& automaton) : automaton_(&automaton) {
  places_.reserve(4096);
  sets_.reserve(256);
}

void Machine::clear() {
  places_.clear();
  sets_.clear();
  calls_.shrink(1);
}

void Machine::open_set() { sets_.push_back({places_.size(), calls_.size(), false}); }

void Machine::push_alone(Place place) {
  open_set();
  places_.push_back(place);
}

void Machine::push_entered(Place place) {
  open_set();
  add(place);
  enter_all();
}

bool Machine::push_step(size_t from, uint8_t byte) {
  size_t begin = sets_[from].places;
  size_t end = from + 1 < sets_.size() ? sets_[from + 1].places : places_.size();
  open_set();
  spend(end - begin);
  bool alone = true;
  for (size_t i = begin; i < end && !tired(); ++i) {
    Place place = places_[i];
    State to = automaton_->follow(place.state, byte);
    if (to == kDead) continue;
    alone = alone && automaton_->alone(to);
    add({to, place.calls});
  }
  if (!alone) enter_all();
  if (places_.size() > sets_.back().places || sets_.back().ended) return true;
  pop(sets_.size() - 1);
  return false;
}

void Machine::pop(size_t sets) {
  if (sets >= sets_.size()) return;
  places_.resize(sets_[sets].places);
  calls_.shrink(sets_[sets].calls);
  sets_.resize(sets);
}

std::span<const Place> Machine::places(size_t set) const {
  size_t end = set + 1 < sets_.size() ? sets_[set + 1].places : places_.size();
  return {places_.data() + sets_[set].places, end - sets_[set].places};
}

uint32_t Machine::depth(size_t set) const {
  uint32_t deepest = 0;
  for (const Place& place : places(set)) deepest = std::max(deepest, calls_.depth(place.calls));
  return deepest;
}

void Machine::add(Place place) {
  auto begin = places_.begin() + static_cast<ptrdiff_t>(sets_.back().places);
  spend(1 + static_cast<size_t>(places_.end() - begin));
  if (std::find(begin, places_.end(), place) != places_.end()) return;
  if (static_cast<size_t>(places_.end() - begin) < kMostPlaces) places_.push_back(place);
}

// Adds what the last set's places return to and call, until nothing new follows.
void Machine::enter_all() {
  for (size_t i = sets_.back().places; i < places_.size() && !tired(); ++i) {
    Place place = places_[i];
    if (automaton_->accepting(place.state)) {
      if (place.calls == CallTree::kBottom) {
        sets_.back().ended = true;
      } else {
        add({calls_.back(place.calls), calls_.below(place.calls)});
      }
    }
    for (const Automaton::Call& call : automaton_->calls(place.state)) {
      if (tired()) return;
      uint32_t below = call.last ? place.calls : calls_.push(call.back, place.calls);
      if (below != CallTree::kFull) add({call.callee, below});
    }
  }
}

uint32_t Machine::move_calls(uint32_t node, const CallTree& from) {
  if (node == CallTree::kBottom) return node;
  spend(1);
  return calls_.push(from.back(node), move_calls(from.below(node), from));
}

void Machine::settle() {
  Set last = sets_.back();
  places_.erase(places_.begin(), places_.begin() + static_cast<ptrdiff_t>(last.places));
  std::swap(calls_, spare_);
  calls_.shrink(1);
  for (Place& place : places_) place.calls = move_calls(place.calls, spare_);
  sets_.assign(1, {0, 1, last.ended});
}

bool Machine::matches(std::string_view text) {
  clear();
  push_entered({automaton_->start(), CallTree::kBottom});
  for (char byte : text) {
    if (!push_step(0, uint8_t(byte)) || tired()) return false;
    settle();
  }
  return ended(0) && !tired();
}

bool matches(const Automaton& automaton, std::string_view text) { return Machine(automaton).matches(text); }

}  // namespace troika::grammar
