// Simulated time: coroutines that wait for a cycle, resumed in order of time, and of asking within a cycle.
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <queue>
#include <utility>
#include <vector>

namespace troika::npu::sim {

// A coroutine that begins when the clock resumes it, and is destroyed with this. What it throws comes out of Clock::step.
class Process {
 public:
  struct promise_type {
    Process get_return_object() { return Process(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { throw; }
  };

  Process(Process&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Process& operator=(Process&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Process() {
    if (handle_) handle_.destroy();
  }
  std::coroutine_handle<> handle() const { return handle_; }
  bool done() const { return handle_.done(); }

 private:
  explicit Process(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

class Clock {
 public:
  uint64_t now() const { return now_; }

  void resume_at(uint64_t time, std::coroutine_handle<> what) { events_.push({time, next_++, what}); }
  void resume_now(std::coroutine_handle<> what) { resume_at(now_, what); }

  struct Sleep {
    Clock& clock;
    uint64_t until;
    bool await_ready() const { return until <= clock.now_; }
    void await_suspend(std::coroutine_handle<> who) { clock.resume_at(until, who); }
    void await_resume() const {}
  };
  Sleep sleep(uint64_t cycles) { return {*this, now_ + cycles}; }
  Sleep sleep_until(uint64_t time) { return {*this, time}; }

  // Resumes who is next. False: nobody waits for a time.
  bool step() {
    if (events_.empty()) return false;
    Event event = events_.top();
    events_.pop();
    now_ = event.time;
    event.what.resume();
    return true;
  }

 private:
  struct Event {
    uint64_t time, order;
    std::coroutine_handle<> what;
    bool operator>(const Event& other) const { return std::pair(time, order) > std::pair(other.time, other.order); }
  };
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  uint64_t now_ = 0, next_ = 0;
};

}  // namespace troika::npu::sim
