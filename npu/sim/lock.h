// A counting semaphore of a tile. Who waits is served in order.
#pragma once

#include <coroutine>
#include <deque>

#include "npu/design/spec.h"
#include "npu/sim/agent.h"
#include "npu/sim/clock.h"
#include "npu/sim/fault.h"

namespace troika::npu::sim {

class Lock {
 public:
  Lock(const LockSpec& spec, Clock& clock, Races& races)
      : spec_(spec), clock_(clock), races_(races), value_(spec.initial) {}

  struct Acquire {
    Lock& lock;
    Agent& who;
    int count;
    bool await_ready() const { return lock.waiting_.empty() && lock.take(count); }
    void await_suspend(std::coroutine_handle<> handle) {
      who.waits_for = fmt::format("lock {}, which is {} and should be {}", lock.spec_.name, lock.value_, count);
      lock.waiting_.push_back({handle, count});
    }
    void await_resume() {
      who.waits_for.clear();
      lock.races_.acquire(who.party, lock.told_);
    }
  };
  Acquire acquire(Agent& who, int count) { return {*this, who, count}; }

  void release(const Agent& who, int count) { set(who, value_ + count); }

  void set(const Agent& who, int64_t value) {
    if (value > kLockMax)
      fault(FaultKind::lock_overflow, "{} brings lock {} of {} to {}, but it counts to {}.", who.name, spec_.name,
            to_text(spec_.tile), value, kLockMax);
    races_.release(who.party, told_);
    value_ = int(value);
    while (!waiting_.empty() && take(waiting_.front().count)) {
      clock_.resume_now(waiting_.front().handle);
      waiting_.pop_front();
    }
  }

  int value() const { return value_; }

 private:
  bool take(int count) {
    if (value_ < count) return false;
    value_ -= count;
    return true;
  }

  struct Waiting {
    std::coroutine_handle<> handle;
    int count;
  };
  const LockSpec& spec_;
  Clock& clock_;
  Races& races_;
  Races::Message told_;
  int value_;
  std::deque<Waiting> waiting_;
};

}  // namespace troika::npu::sim
