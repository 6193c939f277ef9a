// "gated": the CPU once more, behind a gate. While that is shut its steps wait; and it can fail, or be slow.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <limits>
#include <mutex>

#include "engine/handing_on.h"

namespace troika::engine {

class Gate {
 public:
  void shut() { set(false); }
  void open() { set(true); }
  void fail_after(int steps) {
    std::lock_guard lock(mutex_);
    left_ = steps;
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
    if (left_-- <= 0) throw device::DeviceLost("the array was lost");
  }
  void wait_for_somebody() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(60), [this] { return waiting_ > 0; }));
  }

 private:
  void set(bool open) {
    std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int waiting_ = 0;
  int left_ = std::numeric_limits<int>::max();
};

inline Gate& gate() {
  static Gate gate;
  return gate;
}

class BehindGate : public device::Executable {
 public:
  explicit BehindGate(std::unique_ptr<device::Executable> inner) : inner_(std::move(inner)) {}
  void submit() override {
    gate().pass();
    inner_->submit();
  }
  void wait() override { inner_->wait(); }

 private:
  const std::unique_ptr<device::Executable> inner_;
};

class Gated : public HandsOn {
 public:
  explicit Gated(const device::DeviceOptions& options) : HandsOn(device::make_device("cpu", options)) {}
  std::unique_ptr<device::Executable> compile(const device::Segment& segment) override {
    return std::make_unique<BehindGate>(HandsOn::compile(segment));
  }
};

// With the gate open, and nothing that fails.
inline void add_gated() {
  static const bool added = [] {
    device::add_backend({"gated", [](const device::DeviceOptions& o) { return std::make_unique<Gated>(o); }});
    return true;
  }();
  EXPECT_TRUE(added);
  gate().open();
  gate().fail_after(std::numeric_limits<int>::max());
}

}  // namespace troika::engine
