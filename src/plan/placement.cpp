#include "plan/placement.h"

#include <algorithm>
#include <map>

#include "plan/pins.h"

namespace troika::plan {
namespace {

// The device of the last op, then of each cache, kFree where it is not in use.
using State = std::vector<int>;

struct Best {
  double seconds = kNever;
  State before;
};
using Column = std::map<State, Best>;  // behind one op

double crossing_s(const PlacementCosts& c, size_t op, int from, int to) {
  if (from == to) return 0;
  return c.submit_s[size_t(to)] + c.alive_bytes[op] * c.byte_s[size_t(from)][size_t(to)];
}

// By cache, the last op that uses it.
std::vector<size_t> last_uses(const PlacementCosts& c) {
  std::vector<size_t> last;
  for (size_t i = 0; i < c.cache.size(); ++i) {
    if (c.cache[i] == kFree) continue;
    last.resize(std::max(last.size(), size_t(c.cache[i]) + 1));
    last[size_t(c.cache[i])] = i;
  }
  return last;
}

Column step(const PlacementCosts& c, size_t op, const std::vector<size_t>& last, const Column& before) {
  Column after;
  const int cache = c.cache[op];
  for (const auto& [state, best] : before) {
    for (int device = 0; device < int(c.devices()); ++device) {
      if (c.op_s[op][size_t(device)] == kNever) continue;
      State next = state;
      next[0] = device;
      if (cache != kFree) {
        int& owner = next[size_t(cache) + 1];
        if (owner != kFree && owner != device) continue;
        owner = op == last[size_t(cache)] ? kFree : device;
      }
      const double begin = state[0] == kFree ? c.submit_s[size_t(device)] : crossing_s(c, op, state[0], device);
      const double seconds = best.seconds + begin + c.op_s[op][size_t(device)];
      Best& there = after[next];
      if (seconds < there.seconds) there = {seconds, state};
    }
  }
  return after;
}

}  // namespace

Placement cheapest(const PlacementCosts& c) {
  const std::vector<size_t> last = last_uses(c);
  std::vector<Column> columns{{{State(last.size() + 1, kFree), {0, {}}}}};
  for (size_t op = 0; op < c.op_s.size(); ++op) columns.push_back(step(c, op, last, columns.back()));
  const auto end = std::ranges::min_element(columns.back(), {}, [](const auto& entry) { return entry.second.seconds; });
  if (end == columns.back().end()) return {};
  Placement placement{std::vector<int>(c.op_s.size()), end->second.seconds};
  State state = end->first;
  for (size_t op = c.op_s.size(); op-- > 0;) {
    placement.device_of_op[op] = state[0];
    state = columns[op + 1].at(state).before;
  }
  return placement;
}

double seconds_of(const PlacementCosts& c, std::span<const int> device_of_op) {
  double seconds = 0;
  std::map<int, int> owners;
  for (size_t op = 0; op < device_of_op.size(); ++op) {
    const int device = device_of_op[op];
    if (c.cache[op] != kFree && owners.emplace(c.cache[op], device).first->second != device) return kNever;
    seconds += c.op_s[op][size_t(device)];
    seconds += op == 0 ? c.submit_s[size_t(device)] : crossing_s(c, op, device_of_op[op - 1], device);
  }
  return seconds;
}

std::vector<double> alive_bytes(const ops::Program& program) {
  std::vector<double> bytes(program.ops.size(), 0);
  std::vector<bool> is_alive(program.tensors.size(), false);
  double alive = 0;
  auto set_alive = [&](ops::Tensor t, bool value) {
    if (program[t].role == ops::Role::weight || is_alive[t.id] == value) return;
    is_alive[t.id] = value;
    alive += (value ? 1 : -1) * double(program[t].shape.values()) * sizeof(float);
  };
  set_alive(program.logits, true);
  if (program.states) set_alive(*program.states, true);
  for (size_t i = program.ops.size(); i-- > 0;) {
    for (ops::Tensor t : program.ops[i].out) set_alive(t, false);
    for (ops::Tensor t : program.ops[i].in) set_alive(t, true);
    bytes[i] = alive;
  }
  return bytes;
}

std::vector<int> caches_of(const ops::Program& program) {
  std::vector<int> caches;
  for (const ops::Op& op : program.ops) caches.push_back(cache_of(op).value_or(kFree));
  return caches;
}

}  // namespace troika::plan
