#include "engine/held_weights.h"

#include <optional>
#include <set>

#include "engine/weights.h"

namespace troika::engine {
namespace {

using Key = std::pair<std::string_view, int>;  // weight and device

// What each device does with the weights of the ops that are placed on it.
std::map<Key, device::WeightUse> wanted(plan::Devices devices, const plan::Pins& pins, const HeldTapes& tapes,
                                        const std::set<Key>& declined) {
  std::map<Key, device::WeightUse> wanted;
  const auto takes = [&](int device, std::string_view name) { return !declined.contains({name, device}); };
  const auto add = [&](const ops::Program& tape, bool is_own) {
    const std::vector<int> placement = plan::place(tape, devices, pins, takes);
    for (size_t i = 0; i < tape.ops.size(); ++i) {
      for (ops::Tensor t : tape.ops[i].in) {
        if (tape[t].role != ops::Role::weight) continue;
        device::WeightUse& use = wanted.try_emplace({tape[t].name, placement[i]}, kUnused).first->second;
        if (is_own) add_use(use, tape.ops[i]);
      }
    }
  };
  for (const ops::Program& tape : tapes.own) add(tape, true);
  for (const ops::Program& tape : tapes.others) add(tape, false);
  return wanted;
}

}  // namespace

HeldWeights::HeldWeights(plan::Devices devices, const plan::Pins& pins, const HeldTapes& tapes,
                         std::span<const std::string> names, const Bring& bring, const Held& held) {
  std::set<Key> declined;
  size_t known = 0;
  do {
    known = declined.size();
    const std::map<Key, device::WeightUse> uses = wanted(devices, pins, tapes, declined);
    for (const std::string& name : names) {
      std::optional<WeightView> view;
      auto& by_device = weights_[name];
      by_device.resize(devices.size());
      for (int d = 0; d < static_cast<int>(devices.size()); ++d) {
        const auto use = uses.find({name, d});
        if (use == uses.end() || by_device[size_t(d)]) continue;
        if (!view) view = bring(name);
        by_device[size_t(d)] = devices[size_t(d)]->prepare(*view, use->second);
        if (!by_device[size_t(d)]) declined.emplace(use->first);
      }
      if (view && held) held(*view);
    }
  } while (declined.size() > known);
}

void HeldWeights::hold_all(int device, plan::Devices devices, std::span<const std::string> names, const Bring& bring) {
  for (const std::string& name : names) {
    std::shared_ptr<device::Weight>& weight = weights_[name][size_t(device)];
    if (!weight) weight = devices[size_t(device)]->prepare(bring(name), kUnused);
  }
}

std::shared_ptr<device::Weight> HeldWeights::find(int device, std::string_view name) const {
  const auto found = weights_.find(name);
  return found == weights_.end() ? nullptr : found->second[size_t(device)];
}

std::vector<std::shared_ptr<device::Weight>> HeldWeights::of(const ops::Program& program, int device) const {
  std::vector<std::shared_ptr<device::Weight>> weights;
  for (const ops::TensorInfo& tensor : program.tensors) {
    weights.push_back(tensor.role == ops::Role::weight ? find(device, tensor.name) : nullptr);
  }
  return weights;
}

Tape place_tape(const ops::Program& program, plan::Devices devices, const plan::Pins& pins, const HeldWeights& weights) {
  const auto holds = [&](int device, std::string_view name) { return weights.holds(device, name); };
  std::vector<int> placement = plan::place(program, devices, pins, holds);
  ops::Program fused = plan::fuse_placed(program, devices, placement);
  return {std::move(fused), std::move(placement)};
}

}  // namespace troika::engine
