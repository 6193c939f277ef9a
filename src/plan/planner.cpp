#include "plan/planner.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

namespace troika::plan {
namespace {

constexpr int kUsers[] = {1, 2, 4, 8, 16, 32};
constexpr int kDepth = 512;  // tokens behind which answers are predicted
constexpr int kMicroBatch = 256;
constexpr int kManyPrompts = 64;
constexpr StepSize kPromptStep{.tokens = kStepTokens};
constexpr StepSize kDecodeStep{.load = {.depth = kDepth}};
constexpr FirstToken kFirstTokens[] = {{1, 0, 0},    {32, 0, 0},    {128, 0, 0},    {512, 0, 0},
                                       {2048, 0, 0}, {32, 2016, 0}, {128, 8064, 0}};

std::vector<std::vector<size_t>> subsets(const std::vector<size_t>& of) {
  std::vector<std::vector<size_t>> all;
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
  Planner(const Hardware& machine, const PlannedModel& model, const ModelSizes& sizes)
      : machine_(machine), model_(model), sizes_(sizes), tapes_(model) {
    for (size_t d = 0; d < machine.devices.size(); ++d) all_.push_back(d);
  }

  MachinePlan plan() {
    MachinePlan plan = choose_main();
    if (!plan.refusal.empty()) return plan;
    plan.side = choose_side(plan.main);
    plan.side_pays = plan.side && plan.side->gain >= kLeastGain && plan.side->refusal.empty();
    if (plan.side_pays) plan.residency = residency(&plan.main, &plan.side->lane);
    plan.users_served = users_served(plan.residency, machine_);
    LaneCosts costs(machine_, tapes_, plan.main.devices, plan.main.split);
    for (int users : kUsers) plan.decode.push_back({users, users / costs.decode_s(users, kDepth)});
    for (FirstToken first : kFirstTokens) {
      first.seconds = costs.prompt_s(first.tokens, first.cached);
      plan.first_tokens.push_back(first);
    }
    plan.reasons = reasons(machine_, plan);
    return plan;
  }

 private:
  // Of all subsets of devices, and of splits where one lacks room, the fastest that fits, at a usual question and its answer.
  MachinePlan choose_main() {
    Choice choice;
    for (const std::vector<size_t>& devices : subsets(all_)) consider(choice, lane_of(devices, {}));
    for (size_t first : all_) {
      for (size_t other : all_) {
        if (first != other) consider(choice, widest_split(first, other));
      }
    }
    if (choice.best.main.prompt.seconds < kNever) return choice.best;
    if (choice.smallest.refusal.empty()) {
      choice.smallest.refusal = "no device of this machine, and no group of them, can do every operation as it is pinned";
    }
    return choice.smallest;
  }

  struct Choice {
    MachinePlan best, smallest;  // smallest: of those that do not fit
    double best_s = kNever, smallest_bytes = kNever;
  };

  void consider(Choice& choice, Lane lane) {
    const double seconds = lane.prompt.seconds + kUsualAnswer * lane.decode.seconds;
    if (seconds == kNever) return;
    MachinePlan plan{.main = std::move(lane)};
    plan.residency = residency(&plan.main, nullptr);
    plan.refusal = refusal(plan.residency, machine_);
    const double bytes = plan.residency.total();
    if (plan.refusal.empty() && seconds < choice.best_s) choice.best = std::move(plan), choice.best_s = seconds;
    else if (bytes < choice.smallest_bytes) choice.smallest = std::move(plan), choice.smallest_bytes = bytes;
  }

  Lane lane_of(const std::vector<size_t>& devices, std::optional<Split> split) {
    LaneCosts costs(machine_, tapes_, devices, split);
    Lane lane{.split = split, .decode = costs.place(kDecodeStep), .prompt = costs.place(kPromptStep)};
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
      const bool fits = lane.prompt.seconds < kNever && refusal(residency(&lane, nullptr), machine_).empty();
      if (fits) least = layers, widest = std::move(lane);
      else most = layers - 1;
    }
    return widest;
  }

  // Of the devices that lane 0 leaves alone.
  std::optional<SideLane> choose_side(const Lane& main) {
    std::vector<size_t> left;
    std::ranges::copy_if(all_, std::back_inserter(left), [&](size_t d) { return !main.has(d); });
    std::optional<SideLane> best;
    for (const std::vector<size_t>& devices : subsets(left)) {
      LaneCosts costs(machine_, tapes_, devices);
      SideLane side{.lane = {.prompt = costs.place(kPromptStep)}};
      if (side.lane.prompt.seconds == kNever) continue;
      side.lane.devices = used_by(side.lane.prompt, side.lane.prompt);
      side.lane.prompt_rate = kStepTokens / side.lane.prompt.seconds;
      side.slowed = slowed(main, side.lane);
      const double prompts_s[] = {main.prompt_rate / kUsualPrompt, side.lane.prompt_rate / kUsualPrompt};
      side.gain = prompt_gain({prompts_s[0], prompts_s[1]}, side.slowed, kManyPrompts);
      side.refusal = refusal(residency(&main, &side.lane), machine_);
      const auto rank = [](const SideLane& h) { return std::pair(h.refusal.empty(), h.gain); };
      if (!best || rank(side) > rank(*best)) best = std::move(side);
    }
    if (best) simulate(main, *best);
    return best;
  }

  void simulate(const Lane& main, SideLane& side) {
    LaneCosts costs(machine_, tapes_, main.devices, main.split);
    double rate = 0;  // of copying from one lane to the other
    for (size_t from : side.lane.devices) {
      for (size_t to : main.devices) rate = std::max(rate, machine_.pair(from, to).copy_bytes_per_s.value);
    }
    const double byte_s = rate > 0 ? 1 / rate : 0;
    side.pipeline = best_pipeline({main.prompt_rate, side.lane.prompt_rate}, side.slowed,
                                    {.layers = sizes_.layers,
                                     .micro_batches = kLongPrompt / kMicroBatch,
                                     .tokens = kMicroBatch,
                                     .hand_over_s = byte_s * kMicroBatch * sizes_.width * sizeof(float)});
    double cache = 0;
    for (double bytes : sizes_.cache_bytes) cache += bytes / sizes_.context * kUsualPrompt;
    const Burst burst{.prompt = kUsualPrompt, .answer = kUsualAnswer, .hand_over_s = byte_s * cache};
    std::map<std::pair<int, int>, double> known;
    const StepSeconds step = [&](int users, int prompt) {
      auto [it, is_new] = known.try_emplace({users, prompt});
      if (is_new) it->second = costs.mixed_s(users, prompt, kDepth);
      return it->second;
    };
    side.alone = one_lane(burst, step);
    side.steady = two_lanes(burst, step, side.lane.prompt_rate, side.slowed, Reads::when_idle);
    side.fast = two_lanes(burst, step, side.lane.prompt_rate, side.slowed, Reads::always);
  }

  Slowed slowed(const Lane& main, const Lane& side) const {
    Slowed most{};
    for (size_t m : main.devices) {
      for (size_t h : side.devices) {
        most[0] = std::max(most[0], machine_.pair(m, h).slowed.value);
        most[1] = std::max(most[1], machine_.pair(h, m).slowed.value);
      }
    }
    return most;
  }

  Residency residency(const Lane* main, const Lane* side) {
    const ops::Program& one = tapes_.of(kDecodeStep.tokens, kDecodeStep.outputs);
    const ops::Program& many = tapes_.of(kPromptStep.tokens, kPromptStep.outputs);
    std::vector<Placed> placed{{&one, main->decode.device_of_op}, {&many, main->prompt.device_of_op}};
    if (side) placed.push_back({&many, side->prompt.device_of_op});
    Residency r = residency_of(machine_.devices.size(), placed, model_.formats, sizes_.cache_bytes);
    r.working = sizes_.working * (side ? 2 : 1);
    r.tower = sizes_.tower;
    r.users = sizes_.users;
    return r;
  }

  const Hardware& machine_;
  const PlannedModel& model_;
  const ModelSizes& sizes_;
  Tapes tapes_;
  std::vector<size_t> all_;
};

}  // namespace

bool Lane::has(size_t device) const { return std::ranges::find(devices, device) != devices.end(); }

MachinePlan plan_for(const Hardware& machine, const PlannedModel& model, const ModelSizes& sizes) {
  return Planner(machine, model, sizes).plan();
}

}  // namespace troika::plan
