#include "plan/micro_batches.h"

#include <algorithm>

#include "plan/pins.h"
#include "plan/segments.h"

namespace troika::plan {
namespace {

// Stretches of the front device, and between them those of others.
struct Phase {
  int device;      // that has the longest stretch in it
  double seconds;  // alone
  double longest;
};

std::vector<Phase> phases_of(const PlacementCosts& c, std::span<const int> device_of_op, int front) {
  std::vector<Phase> phases;
  int before = kFree;
  for (const Stretch& stretch : cut(device_of_op)) {
    double seconds = c.submit_s[size_t(stretch.device)];
    if (before != kFree) seconds += c.alive_bytes[stretch.begin] * c.byte_s[size_t(before)][size_t(stretch.device)];
    for (size_t i = stretch.begin; i < stretch.end; ++i) seconds += c.op_s[i][size_t(stretch.device)];
    const bool goes_on = before != kFree && before != front && stretch.device != front;
    if (!goes_on) phases.push_back({stretch.device, 0, 0});
    Phase& phase = phases.back();
    phase.seconds += seconds;
    if (seconds > phase.longest) phase = {stretch.device, phase.seconds, seconds};
    before = stretch.device;
  }
  return phases;
}

// Two that begin together, until both are done.
double side_by_side(const Phase& a, const Phase& b, const SlowedBy& slowed) {
  const double speed_a = 1 - slowed(a.device, b.device), speed_b = 1 - slowed(b.device, a.device);
  const double first_end = std::min(a.seconds / speed_a, b.seconds / speed_b);
  return first_end + std::max(a.seconds - first_end * speed_a, b.seconds - first_end * speed_b);
}

// Of `all` layers, so many as far from each other and from both ends as can be.
std::vector<int> spread_evenly(int count, int all) {
  std::vector<int> layers;
  for (int i = 0; i < count; ++i) layers.push_back((2 * i + 1) * all / (2 * count));
  return layers;
}

// Whether the device does all the products of each layer's MLP that has any.
bool can_help(const ops::Program& program, const PlacementCosts& costs, const Help& help) {
  bool any = false;
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const auto device = help.device_of(program.ops[i]);
    if (!device) continue;
    if (costs.op_s[i][*device] == kNever) return false;
    any = true;
  }
  return any;
}

}  // namespace

double both_seconds(const PlacementCosts& costs, std::span<const int> device_of_op, int front, const SlowedBy& slowed) {
  const std::vector<Phase> phases = phases_of(costs, device_of_op, front);
  if (phases.size() == 1) return 2 * phases[0].seconds;
  double seconds = phases.front().seconds + phases.back().seconds;
  for (size_t i = 1; i < phases.size(); ++i) seconds += side_by_side(phases[i], phases[i - 1], slowed);
  return seconds;
}

std::optional<size_t> Help::device_of(const ops::Op& op) const {
  if (!std::ranges::binary_search(layers, layer_of(op.name))) return std::nullopt;
  if (op.kind == ops::OpKind::gated) return joins;
  return is_product_of(op, "mlp") ? std::optional(device) : std::nullopt;
}

std::optional<Helped> best_help(const ops::Program& program, const PlacementCosts& costs, std::span<const int> base, Help help,
                                int front, const SlowedBy& slowed, int layers) {
  std::optional<Helped> best;
  for (int count = 1; count <= layers; ++count) {
    help.layers = spread_evenly(count, layers);
    if (!can_help(program, costs, help)) continue;
    std::vector<int> device_of_op(base.begin(), base.end());
    for (size_t i = 0; i < device_of_op.size(); ++i) {
      if (const auto device = help.device_of(program.ops[i])) device_of_op[i] = int(*device);
    }
    const double seconds = both_seconds(costs, device_of_op, front, slowed);
    if (!best || seconds < best->seconds) best = Helped{help, seconds};
  }
  return best;
}

}  // namespace troika::plan
