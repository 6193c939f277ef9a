#include "grammar/state_masks.h"

#include <algorithm>

#include "grammar/plain_reach.h"

namespace troika::grammar {
namespace {

constexpr size_t kMostBytes = 16u << 20;  // of one grammar's own masks
constexpr size_t kMostWork = 30'000'000;  // places looked at for them: some tenths of a second

}  // namespace

size_t plain_parts(const Vocabulary& vocabulary, uint16_t plain_reach) {
  size_t parts = 0;
  for (const Vocabulary::Part& part : vocabulary.parts()) {
    if (!part.plain || part.longest > plain_reach) break;
    ++parts;
  }
  return parts;
}

StateMasks::StateMasks(const Automaton& automaton, const Vocabulary& vocabulary, SharedMasks& shared)
    : automaton_(automaton), vocabulary_(vocabulary), masks_(automaton.states()) {
  for (uint16_t reach : find_plain_reach(automaton)) {
    plain_parts_.push_back(uint8_t(grammar::plain_parts(vocabulary, reach)));
  }
  Machine machine(automaton);
  TrieWalk walk(vocabulary);
  for (const Automaton::SharedRule& rule : automaton.shared_rules()) {
    for (uint32_t i = 0; i < rule.count; ++i) {
      State s = rule.first + i;
      if (automaton.takes_bytes(s)) masks_[s] = shared.get(rule.name, i, [&] { return compute(machine, walk, s); });
    }
  }
  size_t work_left = kMostWork;
  for (State s = 1; s < automaton.states() && bytes_ < kMostBytes && work_left > 0; ++s) {
    if (masks_[s] || !automaton.takes_bytes(s)) continue;
    const size_t most = std::min(kMostMaskWork, work_left);
    machine.allow_work(most);
    StateMask mask = compute(machine, walk, s);
    work_left -= most - machine.work_left();
    if (machine.tired()) continue;
    bytes_ += mask.bytes();
    masks_[s] = std::make_shared<const StateMask>(std::move(mask));
  }
}

StateMask StateMasks::compute(Machine& machine, TrieWalk& walk, State s) const {
  StateMask mask{.plain_parts = plain_parts_[s]};
  machine.clear();
  auto alive = [&](uint32_t node) {
    for (int32_t id : vocabulary_.tokens_at(node)) mask.ids.push_back(id);
  };
  auto ended = [&](uint32_t node) {
    if (vocabulary_.end(node) > node + 1) mask.returns.push_back(node);
  };
  auto parts = vocabulary_.parts();
  for (size_t p = mask.plain_parts; p < parts.size(); ++p) {
    walk.from_place(machine, {s, CallTree::kBottom}, parts[p].first, parts[p].end, alive, ended);
  }
  if (mask.ids.size() * 32 > vocabulary_.tokens()) {
    TokenMask bits(vocabulary_.tokens());
    for (int32_t id : mask.ids) bits.allow(id);
    mask.words.assign(bits.words().begin(), bits.words().end());
    mask.ids = {};
  }
  mask.ids.shrink_to_fit();
  return mask;
}

}  // namespace troika::grammar
