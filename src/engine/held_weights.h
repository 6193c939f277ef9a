// Which device holds which weights of a model: those of the ops that are placed on it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plan/segments.h"

namespace troika::engine {

// Of a model: those whose steps are to be fast, and others, for which weights are there and no more (device::WeightUse).
struct HeldTapes {
  std::vector<ops::Program> own, others;
};

class HeldWeights {
 public:
  // Gives a weight as it was loaded, by our name: once for each time that devices take it.
  using Bring = std::function<WeightView(const std::string& name)>;
  using Held = std::function<void(const WeightView&)>;

  HeldWeights() = default;
  // Places the ops of all tapes and prepares each weight, in the order of `names`, on the devices that use it. Ops whose weight
  // a device declines go to the next one. Throws Error.
  HeldWeights(plan::Devices devices, const plan::Pins& pins, const HeldTapes& tapes, std::span<const std::string> names,
              const Bring& bring, const Held& held = {});
  // All of `names` on one device besides, read where they lie.
  void hold_all(int device, plan::Devices devices, std::span<const std::string> names, const Bring& bring);

  bool holds(int device, std::string_view name) const { return find(device, name) != nullptr; }
  // Of a tape, by tensor id: null for activations, and for what the device does not hold.
  std::vector<std::shared_ptr<device::Weight>> of(const ops::Program& program, int device) const;

 private:
  std::shared_ptr<device::Weight> find(int device, std::string_view name) const;

  std::map<std::string, std::vector<std::shared_ptr<device::Weight>>, std::less<>> weights_;  // by name and device
};

// A tape and the device of each op.
struct Tape {
  ops::Program program;
  std::vector<int> placement;
};

// Places the ops on devices that hold their weights, fused as far as devices have the fused ops. Throws as plan::place does.
Tape place_tape(const ops::Program& program, plan::Devices devices, const plan::Pins& pins, const HeldWeights& weights);

}  // namespace troika::engine
