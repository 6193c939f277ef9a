// A large step as two micro-batches (engine/relay.h): how long it takes when the second one follows behind the first, on other
// devices, and for which layers another device should multiply for that.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "ops/program.h"
#include "plan/placement.h"

namespace troika::plan {

inline constexpr int kMicroBatch = 256;  // tokens at most: the larger, the fewer readings of weights

// Share of its speed that a device loses while another one works.
using SlowedBy = std::function<double(int device, int by)>;

// Seconds of both micro-batches; `costs` are those of one. While one is in a stretch of the front device, the other is in those
// of others.
double both_seconds(const PlacementCosts& costs, std::span<const int> device_of_op, int front, const SlowedBy& slowed);

// A device that multiplies for the MLPs of some layers in large steps, while the front device is in the other micro-batch. So
// that the two do not wait for each other within an MLP, a third one joins gate and up.
struct Help {
  size_t device;
  std::optional<size_t> joins;  // nothing: whoever does it anyway
  std::vector<int> layers;      // ascending

  // The device of an op with which they help; nothing: it is none of these.
  std::optional<size_t> device_of(const ops::Op& op) const;
};

// The layers with which two micro-batches of a tape are fastest, spread evenly, and the seconds of both. `base`: the placement
// without help. Devices by their numbers in `costs`. Nothing: the device cannot do what any layer needs.
struct Helped {
  Help help;
  double seconds = kNever;
};
std::optional<Helped> best_help(const ops::Program& program, const PlacementCosts& costs, std::span<const int> base, Help help,
                                int front, const SlowedBy& slowed, int layers);

}  // namespace troika::plan
