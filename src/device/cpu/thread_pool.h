// Threads that run a list of launches together. A launch is a number of tasks; the next one opens when the last task
// of this one is done.
//
// The tasks of a launch are cut into one share for each thread, and a thread begins with its own: it meets the same
// rows of a weight again in every step, and in memory of its own NUMA node where it packed them (host_memory.h). When
// its share is used up it takes from the others', so who is faster does more. Which thread runs a task never changes
// what the task computes.
//
// Nobody waits for a thread that took no task: a thread that the system keeps away costs its help and no more.
// Threads look at a flag for work, give their core away between two looks when that takes long, and sleep when the
// pool is idle.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <vector>

namespace troika::device::cpu {

struct Launch {
  std::function<int()> tasks;                     // asked when the launch opens; at most kMostTasks
  std::function<void(int task, int thread)> run;  // must not throw
};

inline constexpr int kMostTasks = (1 << 24) - 1;

struct PoolOptions {
  int threads = 1;
  void (*relax)() noexcept = []() noexcept {};  // called between two looks
  // Of each thread the hardware threads that it stays on; empty: where the system puts it. Thread 0 is the caller's
  // own and stays free: with the others in their places, the system finds it the core that is left.
  std::span<const std::vector<int>> places = {};
};

// One thread at a time may use a pool.
class ThreadPool {
 public:
  // The caller of finish() is thread 0; threads − 1 others are started. Throws std::system_error when there are no
  // more threads to be had.
  explicit ThreadPool(const PoolOptions& options);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  // Lets that many threads work, thread 0 among them; the others go to sleep when they look next. Finishes what runs.
  void limit(int threads);

  // Hands the launches to the other threads (and does at once what nobody can share). They live until finish(), where
  // the caller works too and which returns when all is done. A second start() finishes the first.
  void start(std::span<const Launch> launches);
  void finish();

 private:
  static constexpr size_t kLine = 128;  // bytes: processors fetch cache lines of 64 in pairs

  // Tasks beside the number of the launch that they belong to, counted since the pool began, in one word: what an old
  // look found is thus known to be old.
  struct Numbered {
    uint64_t word = 0;
    uint64_t number() const { return word >> 24; }
    int tasks() const { return static_cast<int>(word & kMostTasks); }
    bool operator==(const Numbered&) const = default;
  };
  // The tasks of a share that nobody took yet. A share that still has the number of an earlier launch is untouched. To
  // take a task is to count it down in one exchange.
  struct alignas(kLine) Share {
    std::atomic<uint64_t> left = 0;  // Numbered
  };

  void serve(int thread);
  void stop();
  bool work(int thread, Numbered& exhausted);
  int take(Numbered now, int share, bool& last);
  void open_next(size_t launch, int thread);
  void publish(size_t launch, int tasks);

  int threads_;
  void (*relax_)() noexcept;
  std::unique_ptr<Share[]> shares_;
  bool started_ = false;
  Numbered finished_;  // thread 0 found nothing left in it
  std::atomic<bool> stopping_ = false;

  // Written by who opens a launch, before it publishes `open_`; they stand still while a task is unfinished.
  std::span<const Launch> launches_;
  size_t launch_ = 0;

  // Each on a line of its own: all threads write or watch them.
  alignas(kLine) std::atomic<uint64_t> open_ = 0;    // Numbered: the open launch and all its tasks
  alignas(kLine) std::atomic<uint64_t> done_ = 0;    // of this launch: shares without a task left | tasks done
  alignas(kLine) std::atomic<bool> busy_ = false;    // a step is on its way
  alignas(kLine) std::atomic<uint32_t> starts_ = 0;  // idle threads sleep on it
  std::atomic<int> working_;  // threads from this one on sleep on it
  alignas(kLine) std::vector<std::jthread> others_;
};

}  // namespace troika::device::cpu
