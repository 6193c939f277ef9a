#include "plan/planner.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "base/error.h"
#include "ops/step_inputs.h"

namespace troika::plan {
namespace {

constexpr int kUsers[] = {1, 2, 4, 8, 16, 32};
constexpr int kDepth = 512;  // tokens behind which answers are predicted
constexpr int kManyPrompts = 64;
constexpr double kLeastGain = 1.01;  // what helps less is not worth its memory and its heat
constexpr double kGap = 0.5;     // seconds, as --gap is by default
constexpr double kShared = 0.5;  // of a device's speed goes to the other lane, where it works on both
constexpr StepSize kPromptStep{.tokens = kStepTokens};
constexpr StepSize kDecodeStep{.load = {.depth = kDepth}};
constexpr FirstToken kFirstTokens[] = {{1, 0, 0},    {32, 0, 0},    {128, 0, 0},    {512, 0, 0},
                                       {2048, 0, 0}, {32, 2016, 0}, {128, 8064, 0}};

using Sets = std::vector<std::vector<size_t>>;  // of devices

Sets subsets(const std::vector<size_t>& of) {
  Sets all;
  for (unsigned mask = 1; mask < 1u << of.size(); ++mask) {
    std::vector<size_t>& subset = all.emplace_back();
    for (size_t i = 0; i < of.size(); ++i) {
      if (mask >> i & 1) subset.push_back(of[i]);
    }
  }
  return all;
}

std::vector<size_t> used_by(const Placement& a, const Placement& b) {
  std::set<int> used(a.device_of_op.begin(), a.device_of_op.end());
  used.insert(b.device_of_op.begin(), b.device_of_op.end());
  return {used.begin(), used.end()};
}

class Planner {
 public:
  Planner(const Hardware& machine, const PlannedModel& model, const ModelSizes& sizes, const Wishes& wishes)
      : machine_(machine), model_(model), sizes_(sizes), wishes_(wishes), tapes_(model), all_(wishes.devices) {
    for (size_t d = 0; d < machine.devices.size() && wishes.devices.empty(); ++d) all_.push_back(d);
  }

  MachinePlan plan() {
    check_pins();
    MachinePlan plan = choose_main();
    plan.wishes = wishes_;
    if (!plan.refusal.empty()) return plan;
    plan.side = choose_side(plan.main);
    plan.two_lanes = plan.side && (plan.side->pays() || !wishes_.prefill.empty());
    if (plan.two_lanes) plan.residency = residency(plan.main, &plan.side->lane);
    if (plan.two_lanes) plan.refusal = plan.side->refusal;
    if (!plan.refusal.empty()) return plan;
    plan.users_served = users_served(plan.residency, machine_);
    LaneCosts costs = costs_of(plan.main);
    for (int users : kUsers) plan.decode.push_back({users, users / costs.decode_s(users, kDepth)});
    for (FirstToken first : kFirstTokens) {
      first.seconds = costs.prompt_s(first.tokens, first.cached);
      plan.first_tokens.push_back(first);
    }
    plan.reasons = reasons(machine_, plan);
    return plan;
  }

 private:
  LaneCosts costs_of(const Lane& main) { return {machine_, tapes_, main.devices, main.split, wishes_.pins, main.help}; }

  // Of pins that agree with each other, each to a device that can.
  void check_pins() {
    for (const StepSize& step : {kDecodeStep, kPromptStep}) {
      const ops::Program& program = tapes_.of(step.tokens, step.outputs);
      const std::vector<const Pin*> pins = pins_of(program, wishes_.pins);
      for (size_t i = 0; i < pins.size(); ++i) {
        const auto can = [&](size_t d) {
          return op_seconds(machine_.devices[d], model_, program, program.ops[i], step.load) < kNever;
        };
        if (!pins[i] || can(size_t(pins[i]->device))) continue;
        std::vector<std::string_view> others;
        for (size_t d : all_) {
          if (can(d)) others.push_back(machine_.devices[d].name);
        }
        refuse(*pins[i], program.ops[i], machine_.devices[size_t(pins[i]->device)].name, others);
      }
    }
  }

  // Of what options say the fastest that fits, at a usual question and its answer: one device, two with a split where one lacks
  // room, or any set where the user's pins say who does what.
  MachinePlan choose_main() {
    Choice choice;
    for (const std::vector<size_t>& devices : subsets(all_)) {
      if (devices.size() == 1 || !wishes_.pins.empty()) consider(choice, lane_of(devices, {}));
    }
    for (size_t first : all_) {
      for (size_t other : all_) {
        if (first != other) consider(choice, widest_split(first, other));
      }
    }
    if (choice.best.main.prompt.seconds < kNever) {
      const Lane alone = choice.best.main;
      for (size_t d : all_) consider_help(choice, alone, d);
      return choice.best;
    }
    if (!choice.smallest.refusal.empty()) return choice.smallest;
    fail("{} cannot do every operation of this model", names(machine_, all_));
  }

  struct Choice {
    MachinePlan best, smallest;  // smallest: of those that do not fit
    double best_s = kNever, smallest_bytes = kNever;
  };

  void consider(Choice& choice, Lane lane) {
    const double seconds = lane.prompt.seconds + kUsualAnswer * lane.decode.seconds;
    if (seconds == kNever) return;
    MachinePlan plan{.main = std::move(lane)};
    plan.residency = residency(plan.main, nullptr);
    plan.refusal = refusal(plan.residency, machine_);
    const double bytes = plan.residency.total();
    if (plan.refusal.empty() && seconds < choice.best_s) choice.best = std::move(plan), choice.best_s = seconds;
    else if (bytes < choice.smallest_bytes) choice.smallest = std::move(plan), choice.smallest_bytes = bytes;
  }

  // One device more with the MLPs of some layers of prompts, if that makes them faster.
  void consider_help(Choice& choice, const Lane& alone, size_t helper) {
    const bool is_free = !alone.has(helper) && wishes_.pins.empty() && wishes_.prefill.empty();
    if (!is_free || alone.devices.size() > 1) return;
    std::vector<size_t> devices{alone.devices[0], helper};
    const DeviceCosts& main = machine_.devices[alone.devices[0]];
    if (main.name == "cpu" && machine_.devices[helper].speed("rows")) return;  // it would come first in the list, and do all
    Help help{.device = helper, .joins = joins_for(helper), .layers = {}};
    if (help.joins && alone.has(*help.joins)) help.joins.reset();
    if (help.joins && *help.joins != helper) devices.push_back(*help.joins);
    std::ranges::sort(devices);
    const auto helped = LaneCosts(machine_, tapes_, devices).best_help(kPromptStep, alone.prompt, help, sizes_.layers);
    if (!helped || helped->seconds * kLeastGain > alone.prompt.seconds) return;
    Lane lane = lane_of(devices, {}, helped->help);
    lane.alone_rate = alone.prompt_rate;
    consider(choice, std::move(lane));
  }

  // Who joins gate and up: the helper, or the CPU for one that only multiplies.
  std::optional<size_t> joins_for(size_t helper) const {
    if (machine_.devices[helper].speed("rows")) return helper;
    for (size_t d : all_) {
      if (machine_.devices[d].name == "cpu") return d;
    }
    return std::nullopt;
  }

  Lane lane_of(const std::vector<size_t>& devices, std::optional<Split> split, std::optional<Help> help = {}) {
    LaneCosts costs(machine_, tapes_, devices, split, wishes_.pins, help);
    Lane lane{.split = split, .help = std::move(help), .decode = costs.place(kDecodeStep), .prompt = costs.place(kPromptStep)};
    lane.devices = used_by(lane.decode, lane.prompt);
    lane.prompt_rate = kStepTokens / lane.prompt.seconds;
    return lane;
  }

  // As many layers on `first` as have room there.
  Lane widest_split(size_t first, size_t other) {
    Lane widest;
    int least = 0, most = sizes_.layers;
    while (least < most) {
      const int layers = (least + most + 1) / 2;
      Lane lane = lane_of({first, other}, Split{first, other, layers, sizes_.layers});
      const bool fits = lane.prompt.seconds < kNever && refusal(residency(lane, nullptr), machine_).empty();
      if (fits) least = layers, widest = std::move(lane);
      else most = layers - 1;
    }
    return widest;
  }

  // The lane with which first tokens come soonest: of the devices that lane 0 leaves alone, or those that the user wants.
  std::optional<SideLane> choose_side(const Lane& main) {
    std::vector<size_t> left;
    std::ranges::copy_if(all_, std::back_inserter(left), [&](size_t d) { return !main.has(d); });
    const bool is_fixed = !wishes_.prefill.empty();
    Simulation simulation(*this, main);
    std::optional<SideLane> best;
    for (const std::vector<size_t>& devices : is_fixed ? Sets{wishes_.prefill} : subsets(left)) {
      LaneCosts costs(machine_, tapes_, devices);
      SideLane side{.lane = {.prompt = costs.place(kPromptStep)}};
      if (side.lane.prompt.seconds == kNever) continue;
      side.lane.devices = used_by(side.lane.prompt, side.lane.prompt);
      side.lane.prompt_rate = kStepTokens / side.lane.prompt.seconds;
      side.slowed = slowed(main, side.lane);
      side.refusal = refusal(residency(main, &side.lane), machine_);
      simulation.run(side);
      const auto rank = [](const SideLane& s) { return std::pair(s.refusal.empty(), -s.beside.first_token_mean_s); };
      if (!best || rank(side) > rank(*best)) best = std::move(side);
    }
    if (!best && is_fixed) {
      fail("--prefill-device: {} cannot do every operation of this model", names(machine_, wishes_.prefill));
    }
    return best;
  }

  // What users meet with a second lane beside the main one.
  class Simulation {
   public:
    Simulation(Planner& planner, const Lane& main) : planner_(planner), main_(main), costs_(planner.costs_of(main)) {
      for (double bytes : planner.sizes_.cache_bytes) prompt_cache_ += bytes / planner.sizes_.context * kUsualPrompt;
      const double row_s = step_s(0, kStepTokens) / kStepTokens;
      chunk_beside_ = int(std::clamp(kGap / row_s, double(ops::kPageTokens), double(kStepTokens)));
      alone_ = one_lane(burst(0), step());
    }

    void run(SideLane& side) {
      const PromptRates prompts_s{main_.prompt_rate / kUsualPrompt, side.lane.prompt_rate / kUsualPrompt};
      const double byte_s = planner_.copy_byte_s(side.lane, main_);
      side.alone = alone_;
      side.beside = two_lanes(burst(byte_s * prompt_cache_), step(), side.lane.prompt_rate, side.slowed);
      side.gain = prompt_gain(prompts_s, side.slowed, kManyPrompts);
    }

   private:
    Burst burst(double hand_over_s) const {
      return {.prompt = kUsualPrompt, .answer = kUsualAnswer, .chunk_beside = chunk_beside_, .hand_over_s = hand_over_s};
    }
    double step_s(int users, int prompt) {
      auto [it, is_new] = known_.try_emplace({users, prompt});
      if (is_new) it->second = costs_.mixed_s(users, prompt, kDepth);
      return it->second;
    }
    StepSeconds step() {
      return [this](int users, int prompt) { return step_s(users, prompt); };
    }

    Planner& planner_;
    const Lane& main_;
    LaneCosts costs_;
    std::map<std::pair<int, int>, double> known_;  // seconds, by users and tokens of prompts
    double prompt_cache_ = 0;                      // bytes
    int chunk_beside_ = 0;
    Met alone_;
  };

  // Of copying from one lane to the other, by the fastest way.
  double copy_byte_s(const Lane& from, const Lane& to) const {
    double rate = 0;
    for (size_t f : from.devices) {
      for (size_t t : to.devices) rate = std::max(rate, f == t ? 0 : machine_.pair(f, t).copy_bytes_per_s.value);
    }
    return rate > 0 ? 1 / rate : 0;
  }

  Slowed slowed(const Lane& main, const Lane& side) const {
    Slowed most{};
    for (size_t m : main.devices) {
      for (size_t s : side.devices) {
        most[0] = std::max(most[0], m == s ? kShared : machine_.pair(m, s).slowed.value);
        most[1] = std::max(most[1], m == s ? kShared : machine_.pair(s, m).slowed.value);
      }
    }
    return most;
  }

  Residency residency(const Lane& main, const Lane* side) {
    const ops::Program& one = tapes_.of(kDecodeStep.tokens, kDecodeStep.outputs);
    const ops::Program& many = tapes_.of(kPromptStep.tokens, kPromptStep.outputs);
    std::vector<Placed> placed{{&one, main.decode.device_of_op}, {&many, main.prompt.device_of_op}};
    Residency r{.main = bytes_of(placed), .tower = sizes_.tower, .users = sizes_.users};
    if (side) {
      const Placed prompts{&many, side->prompt.device_of_op};
      r.side = bytes_of({&prompts, 1});
      placed.push_back(prompts);
    }
    r.tables = table_bytes(placed, model_.formats);
    return r;
  }

  LaneBytes bytes_of(std::span<const Placed> placed) const {
    LaneBytes lane = bytes_of_lane(machine_.devices, placed, model_.formats, sizes_.cache_bytes);
    lane.working = sizes_.working;
    return lane;
  }

  const Hardware& machine_;
  const PlannedModel& model_;
  const ModelSizes& sizes_;
  const Wishes& wishes_;
  Tapes tapes_;
  std::vector<size_t> all_;  // that may be used
};

}  // namespace

bool Lane::has(size_t device) const { return std::ranges::find(devices, device) != devices.end(); }

MachinePlan plan_for(const Hardware& machine, const PlannedModel& model, const ModelSizes& sizes, const Wishes& wishes) {
  return Planner(machine, model, sizes, wishes).plan();
}

}  // namespace troika::plan
