// Why each device does what it does, in a sentence: a share of nothing too.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "plan/planner.h"

namespace troika::plan {
namespace {

auto share(const Placement& p, size_t device) { return std::ranges::count(p.device_of_op, int(device)); }

// Why nobody helps to decode.
constexpr std::string_view kBus = "decoding is bound by the memory bus that all share";

// The one that does all but what others help with.
size_t front_of(const Lane& main) {
  return *std::ranges::find_if(main.devices, [&](size_t d) { return d != main.help->device && d != main.help->joins; });
}

std::string of_helper(const Hardware& machine, const Lane& main, size_t device) {
  const std::string where =
      fmt::format("in the MLPs of {} of the layers in steps of {} tokens and more", main.help->layers.size(), kMicroBatch);
  if (device != main.help->device) return fmt::format("{}: joins gate and up {}", machine.devices[device].name, where);
  return fmt::format("{}: the products {}, while {} is at the others: prompts at {:.0f} tokens/s instead of {:.0f}; nothing of "
                     "an answer, since {}", machine.devices[device].name, where, machine.devices[front_of(main)].name,
                     main.prompt_rate, main.alone_rate, kBus);
}

std::string of_main(const Hardware& machine, const MachinePlan& plan, size_t device) {
  const Lane& main = plan.main;
  if (main.help && device != front_of(main)) return of_helper(machine, main, device);
  if (main.split) {
    const std::string last = fmt::format("layers {} to {}", main.split->begin, main.split->end - 1);
    const std::string name = machine.devices[device].name;
    if (device == main.split->other) return fmt::format("{}: {}", name, last);
    return fmt::format("{}: all but {}, for which it has no room", name, last);
  }
  const std::string all = main.devices.size() == 1 ? "every operation"
                                                   : fmt::format("{} of {} operations of a token and {} of {} of a prompt",
                                                                 share(main.decode, device), main.decode.device_of_op.size(),
                                                                 share(main.prompt, device), main.prompt.device_of_op.size());
  return fmt::format("{}: {}: of what fits, nothing is faster for a question of {} tokens and its answer of {}",
                     machine.devices[device].name, all, kUsualPrompt, kUsualAnswer);
}

std::string first_tokens(const SideLane& side) {
  return fmt::format("have their first token after {:.1f} s (mean) instead of {:.1f}, with no gap longer than {:.2f} s instead "
                     "of {:.2f}", side.beside.first_token_mean_s, side.alone.first_token_mean_s, side.beside.longest_gap_s,
                     side.alone.longest_gap_s);
}

std::string of_side(const Hardware& machine, const MachinePlan& plan, size_t device) {
  const SideLane& s = *plan.side;
  return fmt::format("{}: {} of {} operations of long prompts, all of which this lane reads, at {:.0f} tokens/s, while {} "
                     "answers: eight who ask at once {}; nothing of an answer, since {}",
                     machine.devices[device].name, share(s.lane.prompt, device), s.lane.prompt.device_of_op.size(),
                     s.lane.prompt_rate, names(machine, plan.main.devices), first_tokens(s), kBus);
}

std::string of_nobody(const Hardware& machine, const MachinePlan& plan, size_t device) {
  const std::string nothing = fmt::format("{}: nothing: ", machine.devices[device].name);
  const auto leaves_out = [&](const std::vector<size_t>& list) { return !list.empty() && !std::ranges::count(list, device); };
  if (leaves_out(plan.wishes.devices)) return nothing + "--device leaves it out";
  if (leaves_out(plan.wishes.prefill)) return nothing + "--prefill-device leaves it out";
  if (!plan.side) return nothing + fmt::format("{}, and without another device that is free it cannot read prompts", kBus);
  const SideLane& s = *plan.side;
  if (!s.lane.has(device)) {
    return nothing + fmt::format("{}, and {} would read prompts no slower without it", kBus, names(machine, s.lane.devices));
  }
  const std::string lane = s.lane.devices.size() > 1 ? fmt::format("{} together", names(machine, s.lane.devices)) : "it";
  if (!s.refusal.empty())
    return nothing + fmt::format("{}, and beside the weights that answer, those for {} have no room: the plan {}", kBus, lane,
                                 s.refusal);
  return nothing + fmt::format("{}, and if {} read long prompts (at {:.0f} tokens/s, {:.2f} of what {} does), eight who ask at "
                               "once would {}", kBus, lane, s.lane.prompt_rate, s.lane.prompt_rate / plan.main.prompt_rate,
                               names(machine, plan.main.devices), first_tokens(s));
}

}  // namespace

std::string names(const Hardware& machine, const std::vector<size_t>& devices) {
  std::vector<std::string> all;
  for (size_t d : devices) all.push_back(machine.devices[d].name);
  return fmt::format("{}", fmt::join(all, " and "));
}

std::optional<RunOptions> run_options(const Hardware& machine, const MachinePlan& plan) {
  const auto name = [&](size_t device) { return machine.devices[device].name; };
  const Lane& main = plan.main;
  std::vector<std::string> devices, place, side;
  if (main.split) {
    const Split& s = *main.split;
    devices = {name(s.first), name(s.other)};
    place.push_back(fmt::format("{}-{}={}", s.begin, s.end - 1, name(s.other)));
  } else if (main.help) {
    devices = {name(front_of(main)), name(main.help->device)};
    const std::string where = fmt::format("{}", fmt::join(main.help->layers, "+"));
    place.push_back(fmt::format("{}:mlp@{}={}", where, kMicroBatch, devices[1]));
    if (main.help->joins) place.push_back(fmt::format("{}:gated@{}={}", where, kMicroBatch, name(*main.help->joins)));
    if (devices[0] == "cpu") {  // it comes last, and has a say all the same
      std::swap(devices[0], devices[1]);
      place.insert(place.begin(), "linear=cpu");
    }
  } else {
    for (size_t d : main.devices) devices.push_back(name(d));
  }
  const bool is_said = plan.wishes.pins.empty() && (main.split || main.help);
  if (main.devices.size() > 1 && !is_said) return std::nullopt;
  if (plan.vision) {
    const std::string helper = name(*plan.vision);
    const bool is_cpu_alone = devices == std::vector<std::string>{"cpu"};
    if (is_cpu_alone) place.insert(place.begin(), "linear=cpu");
    if (std::ranges::count(devices, helper) == 0) devices.insert(is_cpu_alone ? devices.begin() : devices.end(), helper);
    place.push_back(fmt::format("vision={}", helper));
  }
  if (plan.two_lanes) {
    for (size_t d : plan.side->lane.devices) side.push_back(name(d));
  }
  return RunOptions{.device = fmt::format("{}", fmt::join(devices, ",")),
                    .place = fmt::format("{}", fmt::join(place, ",")),
                    .prefill_device = fmt::format("{}", fmt::join(side, ","))};
}

std::string command_line(const Hardware& machine, const MachinePlan& plan) {
  const std::optional<RunOptions> options = run_options(machine, plan);
  if (!options) return "";
  std::string text = fmt::format("--device {}", options->device);
  if (!options->place.empty()) text += fmt::format(" --place {}", options->place);
  if (!options->prefill_device.empty()) text += fmt::format(" --prefill-device {}", options->prefill_device);
  return text;
}

std::vector<std::string> reasons(const Hardware& machine, const MachinePlan& plan) {
  std::vector<std::string> all;
  for (size_t d = 0; d < machine.devices.size(); ++d) {
    if (plan.main.has(d)) all.push_back(of_main(machine, plan, d));
    else if (plan.two_lanes && plan.side->lane.has(d)) all.push_back(of_side(machine, plan, d));
    else all.push_back(of_nobody(machine, plan, d));
  }
  return all;
}

}  // namespace troika::plan
