#include "engine/relay.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "device/host_memory.h"
#include "ops/reference.h"

namespace troika::engine {
namespace {

constexpr size_t kPage = 4096;  // bytes: what devices can share is whole pages

// What `f` gives; when the device is lost in it, it says which one.
template <typename F>
auto on_device(int device, F f) {
  try {
    return f();
  } catch (device::DeviceLost& lost) {
    lost.device = device;
    throw;
  }
}

template <typename Bytes>
bool meet(const std::vector<Bytes>& some, const std::vector<Bytes>& others) {
  return std::ranges::any_of(some, [&](const auto& a) {
    return std::ranges::any_of(others, [&](const auto& b) { return a.begin < b.end && b.begin < a.end; });
  });
}

}  // namespace

Arenas::Arenas(plan::Devices devices, size_t bytes) : bytes_(bytes) {
  const size_t pages = (bytes + kPage - 1) / kPage * kPage;
  if (devices.size() > 1) host_ = device::allocate_host(pages);
  for (size_t d = 0; d < devices.size(); ++d) {
    on_device(static_cast<int>(d), [&] {
      std::shared_ptr<device::Buffer> shared = host_ ? devices[d]->import({host_->host(), pages}) : nullptr;
      buffers_.push_back(shared ? shared : devices[d]->allocate(bytes));
      check(buffers_.back()->host() != nullptr, "the host sees activations");
    });
  }
}

Relay::Relay(const Tape& tape, const Surroundings& around, size_t begin, size_t end)
    : tape_(tape), around_(around), made_by_(tape.program.tensors.size(), 0), weights_(around.devices.size()) {
  for (size_t i = 0; i < end; ++i) {
    for (ops::Tensor t : tape_.program.ops[i].out) made_by_[t.id] = tape_.placement[i];
  }
  for (plan::Stretch stretch : plan::cut(std::span(tape_.placement).subspan(begin, end - begin))) {
    stretch.begin += begin;
    stretch.end += begin;
    legs_.push_back(leg_of(stretch));
    order(legs_.back());
    if (legs_.back().ops > legs_[longest_].ops) longest_ = legs_.size() - 1;
  }
  check(!legs_.empty(), "there is something to run");
  find_phases();
}

void Relay::find_phases() {
  front_ = std::ranges::min_element(legs_, {}, &Leg::device)->device;
  std::vector<size_t> ops(around_.devices.size(), 0);
  size_t all = 0;
  for (size_t i = 0; i < legs_.size(); ++i) {
    const bool goes_on = i > 0 && legs_[i].device != front_ && legs_[i - 1].device != front_;
    if (!goes_on) phases_.emplace_back(i, i);
    phases_.back().second = i + 1;
    ops[size_t(legs_[i].device)] += legs_[i].ops;
    all += legs_[i].ops;
  }
  shares_work_ = (all - *std::ranges::max_element(ops)) * 100 >= all;
}

Relay::Bytes Relay::bytes_of(ops::Tensor t, int device) const {
  const std::byte* begin = around_.arenas->of(device)->host() + around_.offsets[t.id];
  return {begin, begin + size_t(tape_.program[t].shape.values()) * sizeof(float)};
}

Relay::Leg Relay::leg_of(const plan::Stretch& stretch) {
  const ops::Program& program = tape_.program;
  const int device = stretch.device;
  Leg leg{.device = device, .ops = stretch.end - stretch.begin};
  for (size_t i = stretch.begin; i < stretch.end; ++i) {
    for (ops::Tensor t : program.ops[i].in) {
      if (program[t].role == ops::Role::weight) continue;
      const Bytes here = bytes_of(t, device), there = bytes_of(t, made_by_[t.id]);
      leg.reads.push_back(here);
      if (here.begin == there.begin || !brought_.emplace(t.id, here.begin).second) continue;
      leg.crossings.push_back({&program[t], there.begin, const_cast<std::byte*>(here.begin)});
      leg.reads.push_back(there);
      leg.writes.push_back(here);
    }
    for (ops::Tensor t : program.ops[i].out) leg.writes.push_back(bytes_of(t, device));
  }
  auto& weights = weights_[size_t(device)];
  if (weights.empty()) weights = around_.weights->of(program, device);
  leg.work = on_device(device, [&] {
    return around_.devices[size_t(device)]->compile({.program = &tape_.program,
                                                     .begin = stretch.begin,
                                                     .end = stretch.end,
                                                     .arena = around_.arenas->of(device),
                                                     .offsets = around_.offsets,
                                                     .weights = weights,
                                                     .caches = around_.caches,
                                                     .inputs = around_.inputs,
                                                     .is_idle = around_.is_idle});
  });
  return leg;
}

// Whoever writes what another reads or writes waits for it, and a device does one thing at a time.
void Relay::order(Leg& leg) const {
  for (size_t i = 0; i + 1 < legs_.size(); ++i) {
    const Leg& earlier = legs_[i];
    if (earlier.device == leg.device || meet(leg.reads, earlier.writes) || meet(leg.writes, earlier.writes) ||
        meet(leg.writes, earlier.reads)) {
      leg.behind.push_back(i);
    }
  }
}

void Relay::run(const std::function<void()>& meanwhile) {
  try {
    for (Leg& leg : legs_) {
      begin(leg);
      if (meanwhile && &leg == &legs_[longest_]) meanwhile();
    }
    finish();
  } catch (...) {
    abandon();
    throw;
  }
}

void Relay::run_both(Relay& first, Relay& second, const std::function<void()>& meanwhile) {
  const size_t phases = first.phases_.size();
  check(second.phases_.size() == phases, "both go through the same tape");
  const auto begin_second = [&](size_t i) {
    if (i > 0) second.begin(i - 1, first);
  };
  try {
    for (size_t i = 0; i <= phases; ++i) {
      const bool is_ahead_in_front = i < phases && first.legs_[first.phases_[i].first].device == first.front_;
      if (!is_ahead_in_front) begin_second(i);  // who is on the front device begins: that goes on by itself
      if (i < phases) first.begin(i, second);
      if (is_ahead_in_front) begin_second(i);
      if (meanwhile && i == phases / 2) meanwhile();
    }
    first.finish();
    second.finish();
  } catch (...) {
    first.abandon();
    second.abandon();
    throw;
  }
}

void Relay::begin(size_t phase, Relay& other) {
  for (size_t i = phases_[phase].first; i < phases_[phase].second; ++i) {
    other.leave(legs_[i].device);
    begin(legs_[i]);
  }
}

void Relay::begin(Leg& leg) {
  for (size_t earlier : leg.behind) finish(legs_[earlier]);
  bring(leg);
  on_device(leg.device, [&] { leg.work->submit(); });
  leg.is_running = true;
}

void Relay::bring(const Leg& leg) const {
  for (const Crossing& c : leg.crossings) {
    const size_t rows = size_t(ops::live_rows(*c.tensor, *around_.inputs));
    std::memcpy(c.to, c.from, rows * size_t(c.tensor->shape.columns()) * sizeof(float));
  }
}

void Relay::finish(Leg& leg) {
  if (!leg.is_running) return;
  leg.is_running = false;
  on_device(leg.device, [&] { leg.work->wait(); });
}

void Relay::finish() {
  for (Leg& leg : legs_) finish(leg);
}

// Nothing of this is on the device any more.
void Relay::leave(int device) {
  for (Leg& leg : legs_) {
    if (leg.device == device) finish(leg);
  }
}

// Nothing goes on with the step's inputs when it failed.
void Relay::abandon() {
  for (Leg& leg : legs_) {
    try {
      finish(leg);
    } catch (const std::exception&) {  // the first failure is the one that is told
    }
  }
}

const float* Relay::values(ops::Tensor t) const {
  for (const Leg& leg : legs_) {
    if (const std::byte* found = leg.work->result(t)) return reinterpret_cast<const float*>(found);
  }
  return reinterpret_cast<const float*>(bytes_of(t, made_by_[t.id]).begin);
}

const device::TopLogits* Relay::top(int row) const {
  for (const Leg& leg : legs_) {
    if (const device::TopLogits* top = leg.work->top(row)) return top;
  }
  return nullptr;
}

void Relay::fetch(int row) {
  for (Leg& leg : legs_) on_device(leg.device, [&] { leg.work->fetch(row); });
}

}  // namespace troika::engine
