#include "npu/sim/races.h"

#include <algorithm>

#include "npu/sim/fault.h"

namespace troika::npu::sim {
namespace {

void join(Races::Times& into, const Races::Times& from) {
  if (into.size() < from.size()) into.resize(from.size());
  for (size_t i = 0; i < from.size(); ++i) into[i] = std::max(into[i], from[i]);
}

}  // namespace

Races::Party Races::add_party(std::string name) {
  Party party = Party(parties_.size());
  parties_.push_back(std::move(name));
  times_.emplace_back(party + 1);
  times_.back()[party] = 1;
  return party;
}

int Races::add_memory() {
  accesses_.emplace_back();
  return int(accesses_.size()) - 1;
}

void Races::release(Party from, Message& into) {
  join(into.times, times_[from]);
  ++times_[from][from];
}

void Races::acquire(Party by, const Message& from) { join(times_[by], from.times); }

bool Races::heard_of(Party party, const Access& access) const {
  const Times& heard = times_[party];
  return party == access.by || (size_t(access.by) < heard.size() && heard[access.by] >= access.time);
}

void Races::access(Party by, int memory, uint64_t begin, uint64_t end, bool writes, std::string_view what) {
  std::vector<Access>& accesses = accesses_[memory];
  for (const Access& other : accesses) {
    if (other.end <= begin || end <= other.begin || (!writes && !other.writes) || heard_of(by, other)) continue;
    fault(FaultKind::race, "{} {} bytes {} to {} of {}, which {} {}, and nothing orders the two.", parties_[by],
          writes ? "writes" : "reads", std::max(begin, other.begin), std::min(end, other.end), what, parties_[other.by],
          other.writes ? "writes" : "reads");
  }
  // Who has heard of this access has heard of all that it covers and had heard of.
  std::erase_if(accesses, [&](const Access& other) {
    return begin <= other.begin && other.end <= end && (writes || other.by == by) && (writes || !other.writes);
  });
  accesses.push_back({begin, end, by, times_[by][by], writes});
}

}  // namespace troika::npu::sim
