#include "plan/micro_batches.h"

#include <algorithm>

#include "plan/pins.h"
#include "plan/segments.h"

namespace troika::plan {
namespace {

struct Leg {
  int device;
  double seconds;  // alone
};

std::vector<Leg> legs_of(const PlacementCosts& c, std::span<const int> device_of_op) {
  std::vector<Leg> legs;
  for (const Stretch& stretch : cut(device_of_op)) {
    double seconds = c.submit_s[size_t(stretch.device)];
    if (!legs.empty()) {
      seconds += c.alive_bytes[stretch.begin] * c.byte_s[size_t(legs.back().device)][size_t(stretch.device)];
    }
    for (size_t i = stretch.begin; i < stretch.end; ++i) seconds += c.op_s[i][size_t(stretch.device)];
    legs.push_back({stretch.device, seconds});
  }
  return legs;
}

// Two that begin together, until both are done.
double side_by_side(const Leg& a, const Leg& b, const SlowedBy& slowed) {
  const double speed_a = 1 - slowed(a.device, b.device), speed_b = 1 - slowed(b.device, a.device);
  const double first_end = std::min(a.seconds / speed_a, b.seconds / speed_b);
  return first_end + std::max(a.seconds - first_end * speed_a, b.seconds - first_end * speed_b);
}

// Of `all` layers, so many as far from each other as can be.
std::vector<int> spread_evenly(int count, int all) {
  std::vector<int> layers;
  for (int layer = 0; layer < all; ++layer) {
    if ((layer + 1) * count / all > layer * count / all) layers.push_back(layer);
  }
  return layers;
}

}  // namespace

double both_seconds(const PlacementCosts& costs, std::span<const int> device_of_op, const SlowedBy& slowed) {
  const std::vector<Leg> legs = legs_of(costs, device_of_op);
  if (legs.size() == 1) return 2 * legs[0].seconds;
  double seconds = legs.front().seconds + legs.back().seconds;
  for (size_t i = 1; i < legs.size(); ++i) seconds += side_by_side(legs[i], legs[i - 1], slowed);
  return seconds;
}

std::optional<Spread> best_spread(const ops::Program& program, const PlacementCosts& costs, std::span<const int> base, int helper,
                                  const SlowedBy& slowed, int layers) {
  std::optional<Spread> best;
  for (int count = 1; count <= layers; ++count) {
    Spread spread{.helper = helper, .layers = spread_evenly(count, layers), .device_of_op{base.begin(), base.end()}};
    bool helps = false;
    for (size_t i = 0; i < program.ops.size(); ++i) {
      const ops::Op& op = program.ops[i];
      const bool is_chosen = op.kind == ops::OpKind::linear && std::ranges::binary_search(spread.layers, layer_of(op.name)) &&
                             costs.op_s[i][size_t(helper)] < kNever;
      if (!is_chosen) continue;
      helps |= spread.device_of_op[i] != helper;
      spread.device_of_op[i] = helper;
    }
    if (!helps) continue;
    spread.seconds = both_seconds(costs, spread.device_of_op, slowed);
    if (!best || spread.seconds < best->seconds) best = std::move(spread);
  }
  return best;
}

}  // namespace troika::plan
