// Which device does which op of a tape, by least time. The tape runs op after op; a change of device costs handing over the
// next stretch and copying what is alive there. So the best placement of the ops up to one depends on its device alone and,
// where a cache is in use before and behind it, on the devices of those caches: dynamic programming along the tape, exact.
#pragma once

#include <limits>
#include <span>
#include <vector>

#include "ops/program.h"

namespace troika::plan {

inline constexpr double kNever = std::numeric_limits<double>::infinity();
inline constexpr int kFree = -1;

// All that the search knows. Devices are numbers from 0.
struct PlacementCosts {
  std::vector<std::vector<double>> op_s;    // [op][device]; kNever: it cannot, or the user pinned the op to another one
  std::vector<double> submit_s;             // [device]: the beginning of a stretch
  std::vector<std::vector<double>> byte_s;  // [from][to]: for each byte that crosses
  std::vector<double> alive_bytes;          // [op]: made before it, read by it or later
  std::vector<int> cache;                   // [op]: the cache that it uses, or kFree; all ops of one cache have one device

  size_t devices() const { return submit_s.size(); }
};

struct Placement {
  std::vector<int> device_of_op;  // as plan::place gives it
  double seconds = kNever;        // kNever: there is none
};

Placement cheapest(const PlacementCosts& costs);
double seconds_of(const PlacementCosts& costs, std::span<const int> device_of_op);

// By op: bytes of activations that were made before it and are read by it or later.
std::vector<double> alive_bytes(const ops::Program& program);
// By op: the number of the cache that it uses, or kFree.
std::vector<int> caches_of(const ops::Program& program);

}  // namespace troika::plan
