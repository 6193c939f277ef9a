#include "plan/segments.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "ops/rewrites.h"

namespace troika::plan {
namespace {

// Ops that stay together, by their numbers, in the tape's order: those of one cache; each other one alone.
std::vector<std::vector<size_t>> companies(const ops::Program& program) {
  std::vector<std::vector<size_t>> all;
  std::map<int, size_t> of_cache;
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const auto cache = cache_of(program.ops[i]);
    const bool is_new = !cache || of_cache.emplace(*cache, all.size()).second;
    if (is_new) all.emplace_back();
    (is_new ? all.back() : all[of_cache.at(*cache)]).push_back(i);
  }
  return all;
}

class Placing {
 public:
  Placing(const ops::Program& program, Devices devices, const Pins& pins, const Holds& holds)
      : program_(program), devices_(devices), pins_(pins_of(program, pins)), holds_(holds) {}

  int device_of(std::span<const size_t> company) const {
    if (const Pin* pin = pins_[company.front()]) {
      for (size_t i : company) {
        if (!can(pin->device, i)) refuse_pin(*pin, i);
      }
      return pin->device;
    }
    for (int d = 0; d < static_cast<int>(devices_.size()); ++d) {
      if (std::ranges::all_of(company, [&](size_t i) { return can(d, i); })) return d;
    }
    const ops::Op& op = program_.ops[company.front()];
    fail("no device can run {} ({})", op.name, to_string(program_, op));
  }

 private:
  bool can(int device, size_t i) const {
    const ops::Op& op = program_.ops[i];
    return devices_[size_t(device)]->supports(program_, op) && std::ranges::all_of(op.in, [&](ops::Tensor t) {
      return program_[t].role != ops::Role::weight || holds_(device, program_[t].name);
    });
  }

  [[noreturn]] void refuse_pin(const Pin& pin, size_t i) const {
    std::vector<std::string_view> others;
    for (int d = 0; d < static_cast<int>(devices_.size()); ++d) {
      if (can(d, i)) others.push_back(devices_[size_t(d)]->info().name);
    }
    refuse(pin, program_.ops[i], devices_[size_t(pin.device)]->info().name, others);
  }

  const ops::Program& program_;
  const Devices devices_;
  const std::vector<const Pin*> pins_;  // by op
  const Holds& holds_;
};

}  // namespace

std::vector<int> place(const ops::Program& program, Devices devices, const Pins& pins, const Holds& holds) {
  const Placing placing(program, devices, pins, holds);
  std::vector<int> placement(program.ops.size());
  for (const std::vector<size_t>& company : companies(program)) {
    const int device = placing.device_of(company);
    for (size_t i : company) placement[i] = device;
  }
  return placement;
}

ops::Program fuse_placed(const ops::Program& program, Devices devices, std::vector<int>& placement) {
  return ops::fuse(program, placement, [&](const ops::Program& p, const ops::Op& op, int device) {
    return devices[size_t(device)]->supports(p, op);
  });
}

std::vector<int> devices_of_caches(const ops::Program& program, std::span<const int> placement) {
  std::vector<int> devices(program.caches.size(), 0);
  for (size_t i = 0; i < program.ops.size(); ++i) {
    if (const auto cache = cache_of(program.ops[i])) devices[size_t(*cache)] = placement[i];
  }
  return devices;
}

std::string summary(const ops::Program& program, std::span<const int> placement, Devices devices) {
  if (devices.size() == 1) return devices.front()->info().name;
  std::string text;
  for (int d = 0; d < static_cast<int>(devices.size()); ++d) {
    size_t ops = 0, products = 0;
    for (size_t i = 0; i < placement.size(); ++i) {
      if (placement[i] != d) continue;
      ++ops;
      products += ops::multiplies(program.ops[i]);
    }
    const std::string what = ops == 0 ? "nothing" : fmt::format("{} {}", ops, products == ops ? "products" : "ops");
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", devices[size_t(d)]->info().name, what);
  }
  return text;
}

std::vector<Stretch> cut(std::span<const int> device_of_op) {
  std::vector<Stretch> stretches;
  for (size_t i = 0; i < device_of_op.size(); ++i) {
    if (stretches.empty() || stretches.back().device != device_of_op[i]) {
      stretches.push_back({device_of_op[i], i, i});
    }
    stretches.back().end = i + 1;
  }
  return stretches;
}

}  // namespace troika::plan
