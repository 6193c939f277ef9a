#include "plan/lane_costs.h"

#include <algorithm>
#include <set>

namespace troika::plan {

const ops::Program& Tapes::of(int tokens, int outputs) {
  auto [it, is_new] = tapes_.try_emplace({tokens, outputs});
  if (is_new) it->second = model_.trace(tokens, outputs);
  return it->second;
}

bool is_looked_up(const ops::Program& program, ops::Tensor weight) {
  return std::ranges::any_of(program.ops, [&](const ops::Op& op) {
    return op.kind == ops::OpKind::embed && std::ranges::find(op.in, weight) != op.in.end();
  });
}

namespace {

// A device that does products only does not look up either, so a matrix that serves as a table too is not for it.
bool is_for(const DeviceCosts& device, const ops::Program& program, const ops::Op& op) {
  return device.speed("rows") || !ops::multiplies(op) || !is_looked_up(program, op.in[1]);
}

}  // namespace

double op_seconds(const DeviceCosts& device, const PlannedModel& model, const ops::Program& program, const ops::Op& op,
                  Load load) {
  if (!is_for(device, program, op)) return kNever;
  return seconds(device, work_of(program, op, model.formats, model.cache, load)).value_or(kNever);
}

LaneCosts::LaneCosts(const Hardware& machine, Tapes& tapes, std::vector<size_t> devices, std::optional<Split> split, Pins pins,
                     std::optional<Help> help)
    : machine_(machine), tapes_(tapes), devices_(std::move(devices)), split_(split), pins_(std::move(pins)),
      help_(std::move(help)) {}

PlacementCosts LaneCosts::costs_of(const ops::Program& program, Load load) const {
  const PlannedModel& model = tapes_.model();
  PlacementCosts costs{.alive_bytes = alive_bytes(program), .cache = caches_of(program)};
  for (size_t from : devices_) {
    costs.submit_s.push_back(machine_.devices[from].submit_s.value);
    std::vector<double>& bytes = costs.byte_s.emplace_back();
    for (size_t to : devices_) {
      const double rate = from == to ? 0 : machine_.pair(from, to).copy_bytes_per_s.value;
      bytes.push_back(rate > 0 ? 1 / rate : 0);
    }
  }
  const std::vector<const Pin*> pins = pins_of(program, pins_);
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const ops::Op& op = program.ops[i];
    std::optional<size_t> wanted;
    if (split_) wanted = layer_of(op.name) < split_->begin ? split_->first : split_->other;
    if (pins[i]) wanted = size_t(pins[i]->device);
    const bool is_helped = help_ && program.tokens >= kMicroBatch && help_->device_of(op);
    if (is_helped) wanted = help_->device_of(op);
    std::vector<double>& times = costs.op_s.emplace_back();
    for (size_t d : devices_) {
      const bool helps_only = help_ && (d == help_->device || d == help_->joins);
      const bool may = (!wanted || *wanted == d) && (is_helped || !helps_only);
      times.push_back(may ? op_seconds(machine_.devices[d], model, program, op, load) : kNever);
    }
  }
  return costs;
}

int LaneCosts::own_number(size_t device) const { return int(std::ranges::find(devices_, device) - devices_.begin()); }

// As the engine lists them: the CPU comes last.
int LaneCosts::front() const {
  for (size_t i = 0; i < devices_.size(); ++i) {
    const bool helps = help_ && (devices_[i] == help_->device || devices_[i] == help_->joins);
    if (!helps && machine_.devices[devices_[i]].name != "cpu") return int(i);
  }
  return own_number(help_ ? help_->device : devices_[0]);
}

double LaneCosts::slowed(int device, int by) const {
  return device == by ? 0 : machine_.pair(devices_[size_t(device)], devices_[size_t(by)]).slowed.value;
}

Placement LaneCosts::place(const StepSize& size) {
  const auto best = [&](int tokens) {
    const PlacementCosts costs = costs_of(tapes_.of(tokens, size.outputs), size.load);
    Placement placement = cheapest(costs);
    if (tokens < size.tokens && placement.seconds < kNever) {
      placement.seconds = both_seconds(costs, placement.device_of_op, front(), [this](int d, int by) { return slowed(d, by); });
    }
    return placement;
  };
  Placement placement = best(size.tokens);
  const std::set<int> used(placement.device_of_op.begin(), placement.device_of_op.end());
  if (size.tokens > kMicroBatch && used.size() > 1) placement = best(kMicroBatch);
  for (int& device : placement.device_of_op) device = int(devices_[size_t(device)]);
  return placement;
}

std::optional<Helped> LaneCosts::best_help(const StepSize& size, const Placement& base, const Help& help, int layers) {
  const ops::Program& program = tapes_.of(kMicroBatch, size.outputs);
  std::vector<int> own;
  for (int device : base.device_of_op) own.push_back(own_number(size_t(device)));
  Help local{.device = size_t(own_number(help.device)), .joins = {}, .layers = {}};
  if (help.joins) local.joins = size_t(own_number(*help.joins));
  auto best = plan::best_help(program, costs_of(program, size.load), own, local, own[0],
                              [this](int d, int by) { return slowed(d, by); }, layers);
  if (best) best->help = {help.device, help.joins, best->help.layers};
  return best;
}

double LaneCosts::decode_s(int users, int depth) {
  return step_s({.tokens = users, .outputs = users, .load = {.sequences = users, .depth = depth}});
}

double LaneCosts::prompt_s(int tokens, int cached) {
  double seconds = 0;
  for (int done = 0; done < tokens; done += kStepTokens) {
    seconds += step_s({.tokens = std::min(kStepTokens, tokens - done), .load = {.depth = cached + done}});
  }
  return seconds;
}

double LaneCosts::mixed_s(int users, int prompt_tokens, int depth) {
  if (prompt_tokens == 0) return decode_s(users, depth);
  if (users == 0) return step_s({.tokens = prompt_tokens});
  return step_s({.tokens = users + prompt_tokens, .outputs = users + 1, .load = {.sequences = users + 1, .depth = depth}});
}

}  // namespace troika::plan
