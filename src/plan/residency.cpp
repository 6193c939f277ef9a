#include "plan/residency.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace troika::plan {
namespace {

constexpr std::string_view kGpu = "vulkan";
constexpr int kMostUsers = 1024;

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

std::string gb(double bytes) { return fmt::format("{:.2f} GB", bytes / 1e9); }

struct Budget {
  double needed, available;
  std::string of;
};

std::vector<Budget> budgets(const Residency& r, const Hardware& machine) {
  const Memory& m = machine.memory;
  std::vector<Budget> all;
  double in_system = r.total();
  for (size_t d = 0; d < machine.devices.size(); ++d) {
    if (machine.devices[d].name != kGpu || m.gtt.value + m.carved.value == 0) continue;
    double held = r.main.on(d, r.users) + (r.main.weights[d] > 0 ? r.tower : 0);
    if (r.side) held += r.side->on(d, 1);
    in_system -= std::min(held, m.carved.value);
    all.push_back({held, m.gtt.value + m.carved.value, "what the GPU may hold"});
  }
  all.push_back(
      {in_system, m.bytes.value - m.reserved.value,
       fmt::format("{} of memory, less {} for the system and the page cache", gb(m.bytes.value), gb(m.reserved.value))});
  return all;
}

std::string side_text(const Residency& r) {
  if (!r.side) return "";
  return fmt::format("; the second lane's weights {}, keys and values of a prompt {}, what a step works with {}",
                     gb(sum(r.side->weights)), gb(sum(r.side->caches)), gb(r.side->working));
}

bool fits(const Residency& r, const Hardware& machine) {
  return std::ranges::all_of(budgets(r, machine), [](const Budget& b) { return b.needed <= b.available; });
}

}  // namespace

double LaneBytes::on(size_t device, int texts) const {
  return weights[device] + texts * caches[device] + (weights[device] > 0 ? working : 0);
}

double LaneBytes::total(int texts) const { return sum(weights) + texts * sum(caches) + working; }

double Residency::total() const { return main.total(users) + (side ? side->total(1) : 0) + tables + tower; }

double Residency::weights_on(size_t device) const { return main.weights[device] + (side ? side->weights[device] : 0); }

LaneBytes bytes_of_lane(std::span<const DeviceCosts> devices, std::span<const Placed> placed, const Formats& formats,
                        std::span<const double> cache_bytes) {
  LaneBytes lane{.weights = std::vector<double>(devices.size()), .caches = std::vector<double>(devices.size())};
  std::set<std::pair<std::string_view, int>> held;
  std::map<int, int> owners;
  for (const Placed& p : placed) {
    const ops::Program& program = *p.program;
    const std::vector<int> caches = caches_of(program);
    for (size_t i = 0; i < program.ops.size(); ++i) {
      const int device = p.device_of_op[i];
      if (caches[i] != kFree) owners.emplace(caches[i], device);
      if (program.ops[i].kind == ops::OpKind::embed) continue;
      for (ops::Tensor t : program.ops[i].in) {
        const ops::TensorInfo& weight = program[t];
        if (weight.role != ops::Role::weight || !held.emplace(weight.name, device).second) continue;
        const int least_bits = weight.shape.rank == 2 ? devices[size_t(device)].weight_bits : 0;
        const double least = double(weight.shape.values()) * least_bits / 8;
        lane.weights[size_t(device)] += std::max(least, double(bytes_of(formats.at(weight.name), weight.shape)));
      }
    }
  }
  for (auto [cache, device] : owners) lane.caches[size_t(device)] += cache_bytes[size_t(cache)];
  return lane;
}

double table_bytes(std::span<const Placed> placed, const Formats& formats) {
  std::map<std::string_view, double> tables;
  std::set<std::string_view> held;
  for (const Placed& p : placed) {
    for (const ops::Op& op : p.program->ops) {
      for (ops::Tensor t : op.in) {
        const ops::TensorInfo& weight = (*p.program)[t];
        if (weight.role != ops::Role::weight) continue;
        if (op.kind == ops::OpKind::embed) tables[weight.name] = double(bytes_of(formats.at(weight.name), weight.shape));
        else held.insert(weight.name);
      }
    }
  }
  double bytes = 0;
  for (const auto& [name, size] : tables) bytes += held.contains(name) ? 0 : size;
  return bytes;
}

std::string refusal(const Residency& r, const Hardware& machine) {
  for (const Budget& b : budgets(r, machine)) {
    if (b.needed <= b.available) continue;
    return fmt::format(
        "does not fit: {} are needed of {}, which leaves {}: weights {}, tables {}, keys and values of {} {}, what a step "
        "works with {}, tower {}{}",
        gb(b.needed), b.of, gb(b.available), gb(sum(r.main.weights)), gb(r.tables), users_text(r.users),
        gb(r.users * sum(r.main.caches)), gb(r.main.working), gb(r.tower), side_text(r));
  }
  return "";
}

std::string users_text(int users) { return users == 1 ? "a user" : fmt::format("{} users", users); }

int users_served(Residency r, const Hardware& machine) {
  int least = 0, most = kMostUsers;
  while (least < most) {  // the most that fit
    r.users = (least + most + 1) / 2;
    if (fits(r, machine)) least = r.users;
    else most = r.users - 1;
  }
  return least;
}

}  // namespace troika::plan
