#include "device/cpu/thread_pool.h"

#include <chrono>

namespace troika::device::cpu {
namespace {

constexpr int kLooks = 500;  // with relax() some tens of microseconds; then let others have the core
constexpr auto kIdle = std::chrono::milliseconds(1);

}  // namespace

ThreadPool::ThreadPool(int threads, void (*relax)() noexcept) : relax_(relax) {
  others_.reserve(threads - 1);
  try {
    for (int i = 1; i < threads; ++i) others_.emplace_back([this, i] { serve(i); });
  } catch (...) {  // the system gives no more threads: those that run must end before they can be joined
    stop();
    throw;
  }
}

ThreadPool::~ThreadPool() {
  finish();
  stop();
}

void ThreadPool::stop() {
  stopping_ = true;
  starts_.fetch_add(1, std::memory_order_release);
  starts_.notify_all();
  others_.clear();  // joins
}

void ThreadPool::start(std::span<const Launch> launches) {
  finish();
  started_ = true;
  launches_ = launches;
  busy_.store(true, std::memory_order_relaxed);
  open(0);
  if (others_.empty()) return;
  starts_.fetch_add(1, std::memory_order_release);
  starts_.notify_all();
}

void ThreadPool::finish() {
  if (!started_) return;
  started_ = false;
  for (int look = 0; busy_.load(std::memory_order_acquire);) {
    if (work(0)) look = 0;
    else if (++look < kLooks) relax_();
    else std::this_thread::yield();
  }
}

void ThreadPool::serve(int thread) {
  using Clock = std::chrono::steady_clock;
  for (;;) {
    // Read before the last look for work and for the end: a start or a stop after that look changes it, and the
    // wait below returns.
    uint32_t starts = starts_.load(std::memory_order_acquire);
    if (stopping_.load(std::memory_order_relaxed)) return;
    Clock::time_point idle_since{};
    for (int look = 0;; ++look) {
      if (work(thread)) {
        look = 0;
      } else if (look < kLooks) {
        relax_();
      } else if (look == kLooks) {
        idle_since = Clock::now();
      } else if (busy_.load(std::memory_order_relaxed) || Clock::now() - idle_since < kIdle) {
        std::this_thread::yield();
      } else {
        break;
      }
    }
    starts_.wait(starts, std::memory_order_acquire);
  }
}

bool ThreadPool::work(int thread) {
  uint64_t open = open_.load(std::memory_order_relaxed);
  do {
    if (static_cast<uint32_t>(open) == 0) return false;
  } while (!open_.compare_exchange_weak(open, open - 1, std::memory_order_acquire, std::memory_order_relaxed));
  // Read now: once our task counts as done, another thread may open the next launch and change them.
  int tasks = tasks_;
  size_t launch = launch_;
  launches_[launch].run(tasks - static_cast<int>(static_cast<uint32_t>(open)), thread);
  if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == tasks) this->open(launch + 1);
  return true;
}

// Opens the first launch from here on that has a task, or ends the step. Nobody else is at work now.
void ThreadPool::open(size_t launch) {
  int tasks = 0;
  while (launch < launches_.size() && (tasks = launches_[launch].tasks()) <= 0) ++launch;
  if (launch >= launches_.size()) {
    busy_.store(false, std::memory_order_release);
    return;
  }
  launch_ = launch;
  tasks_ = tasks;
  done_.store(0, std::memory_order_relaxed);
  uint64_t number = (open_.load(std::memory_order_relaxed) >> 32) + 1;
  open_.store(number << 32 | static_cast<uint32_t>(tasks), std::memory_order_release);
}

}  // namespace troika::device::cpu
