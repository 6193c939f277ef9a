// A large step as two micro-batches (engine/relay.h): how long it takes when the second one follows a stretch behind the first,
// on another device, and which layers' products a second device should do for that.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "ops/program.h"
#include "plan/placement.h"

namespace troika::plan {

// Share of its speed that a device loses while another one works.
using SlowedBy = std::function<double(int device, int by)>;

// Seconds of both micro-batches; `costs` are those of one.
double both_seconds(const PlacementCosts& costs, std::span<const int> device_of_op, const SlowedBy& slowed);

// The products of some layers on a helper, spread evenly so that both devices always have something to do.
struct Spread {
  int helper = 0;                 // number of the device
  std::vector<int> layers;        // ascending
  std::vector<int> device_of_op;  // of a micro-batch
  double seconds = kNever;        // of both
};

// The fastest, `base` being the placement without a helper; nothing: the helper cannot do what any layer needs.
std::optional<Spread> best_spread(const ops::Program& program, const PlacementCosts& costs, std::span<const int> base, int helper,
                                  const SlowedBy& slowed, int layers);

}  // namespace troika::plan
