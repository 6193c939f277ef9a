// Threads that run a list of launches together. A launch is a number of tasks that the threads take one by one;
// the next launch opens when the last task of this one is done. Nobody waits for a thread that took no task, so a
// thread that the system keeps away costs its help and no more. A step of a small model takes well under a
// millisecond: threads look at a flag for work, and only an idle pool sleeps.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <thread>
#include <vector>

namespace troika::device::cpu {

struct Launch {
  std::function<int()> tasks;                     // asked when the launch opens
  std::function<void(int task, int thread)> run;  // must not throw
};

// One thread at a time may use a pool.
class ThreadPool {
 public:
  // The caller of finish() is thread 0; threads − 1 others are started. `relax` is called between two looks.
  ThreadPool(int threads, void (*relax)() noexcept);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(others_.size()) + 1; }

  // Hands the launches to the other threads. They live until finish(), where the caller works too and which
  // returns when all is done. A second start() finishes the first.
  void start(std::span<const Launch> launches);
  void finish();

 private:
  void serve(int thread);
  void stop();
  bool work(int thread);  // takes and runs one task; false if there is none now
  void open(size_t launch);

  void (*relax_)() noexcept;
  bool started_ = false;
  std::atomic<bool> stopping_ = false;

  // Written by who opens a launch, before it publishes `open_`; they stand still while a task is unfinished.
  std::span<const Launch> launches_;
  size_t launch_ = 0;
  int tasks_ = 0;

  // Each on a cache line of its own: all threads write them.
  // Upper half: number of the launch since the pool began; lower half: tasks that nobody took yet. To take one
  // is to count it down in one exchange, which fails if the launch has changed.
  alignas(64) std::atomic<uint64_t> open_ = 0;
  alignas(64) std::atomic<int> done_ = 0;            // tasks of this launch
  alignas(64) std::atomic<bool> busy_ = false;       // a step is on its way
  alignas(64) std::atomic<uint32_t> starts_ = 0;     // idle threads sleep on it
  alignas(64) std::vector<std::jthread> others_;
};

}  // namespace troika::device::cpu
