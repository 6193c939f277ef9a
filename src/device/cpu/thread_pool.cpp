#include "device/cpu/thread_pool.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/platform.h"

namespace troika::device::cpu {
namespace {

constexpr int kLooks = 10000;  // with relax() longer than most launches take; then let others have the core
constexpr auto kIdle = std::chrono::milliseconds(1);
constexpr uint64_t kOneShare = uint64_t{1} << 32;

// Share s of `shares`: tasks [begin(s), begin(s + 1)).
int begin_of(int share, int shares, int tasks) { return static_cast<int>(int64_t{tasks} * share / shares); }

}  // namespace

ThreadPool::ThreadPool(const PoolOptions& options)
    : threads_(std::max(1, options.threads)), relax_(options.relax), shares_(new Share[size_t(threads_)]), working_(threads_) {
  check(options.places.empty() || options.places.size() >= size_t(threads_), "a pool has a place for each thread");
  others_.reserve(size_t(threads_) - 1);
  try {
    for (int i = 1; i < threads_; ++i) {
      std::vector<int> place = options.places.empty() ? std::vector<int>() : options.places[size_t(i)];
      others_.emplace_back([this, i, place = std::move(place)] {
        if (!place.empty()) platform::pin_this_thread(place);  // refused: it runs all the same
        serve(i);
      });
    }
  } catch (...) {  // the system gives no more threads: those that run must end before they can be joined
    stop();
    throw;
  }
}

ThreadPool::~ThreadPool() {
  finish();
  stop();
}

void ThreadPool::limit(int threads) {
  finish();
  threads = std::clamp(threads, 1, threads_);
  if (working_.exchange(threads, std::memory_order_release) != threads) working_.notify_all();
}

void ThreadPool::stop() {
  stopping_ = true;
  limit(threads_);
  starts_.fetch_add(1, std::memory_order_release);
  starts_.notify_all();
  others_.clear();  // joins
}

void ThreadPool::start(std::span<const Launch> launches) {
  finish();
  started_ = true;
  launches_ = launches;
  busy_.store(true, std::memory_order_relaxed);
  if (!others_.empty()) {
    starts_.fetch_add(1, std::memory_order_release);
    starts_.notify_all();
  }
  open_next(0, 0);
}

void ThreadPool::finish() {
  if (!started_) return;
  started_ = false;
  for (int look = 0; busy_.load(std::memory_order_acquire);) {
    if (work(0, finished_)) look = 0;
    else if (++look < kLooks) relax_();
    else std::this_thread::yield();
  }
}

void ThreadPool::serve(int thread) {
  using Clock = std::chrono::steady_clock;
  for (Numbered exhausted;;) {
    // Read before the last look for work and for the end: a start or a stop after that look changes it, and the
    // wait below returns.
    uint32_t starts = starts_.load(std::memory_order_acquire);
    if (stopping_.load(std::memory_order_relaxed)) return;
    if (int working = working_.load(std::memory_order_acquire); thread >= working) {
      working_.wait(working, std::memory_order_acquire);
      continue;
    }
    Clock::time_point idle_since{};
    for (int look = 0; thread < working_.load(std::memory_order_relaxed); ++look) {
      if (work(thread, exhausted)) {
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

// Runs tasks of the open launch until none is left to take; false if it took none. `exhausted` is the last launch
// that this thread found so: it does not look there again.
bool ThreadPool::work(int thread, Numbered& exhausted) {
  Numbered now{open_.load(std::memory_order_acquire)};
  if (now == exhausted) return false;
  int shares = std::min(now.tasks(), threads_);
  bool worked = false;
  for (int s = 0; s < shares; ++s) {
    int share = (thread + s) % shares;
    int done = 0;
    bool last = false;
    for (int task; (task = take(now, share, last)) >= 0; ++done) {
      launches_[launch_].run(task, thread);  // these stand still: the task is not done yet
    }
    if (done == 0) continue;
    worked = true;
    // Told once a share, not once a task: all threads write here.
    uint64_t told = uint64_t(done) + (last ? kOneShare : 0);
    uint64_t all = done_.fetch_add(told, std::memory_order_acq_rel) + told;
    if (static_cast<int>(static_cast<uint32_t>(all)) == now.tasks()) {
      open_next(launch_ + 1, thread);
      return true;
    }
    if (static_cast<int>(all >> 32) == shares) break;  // the others are at the last tasks
  }
  exhausted = now;
  return worked;
}

// A task of the share, or −1. `last`: none is left behind it. The exchange fails when anything has changed since the
// look, so it succeeds only while the launch `now` has a task that nobody took, and until that one is done no other
// launch opens.
int ThreadPool::take(Numbered now, int share, bool& last) {
  int shares = std::min(now.tasks(), threads_);
  int end = begin_of(share + 1, shares, now.tasks());
  std::atomic<uint64_t>& word = shares_[size_t(share)].left;
  Numbered seen{word.load(std::memory_order_relaxed)};
  for (;;) {
    int left = seen.tasks();
    if (seen.number() != now.number()) {
      // As numbers that wrap around: a later launch than ours has begun, or an earlier one has left this behind.
      bool later = static_cast<int64_t>((seen.word & ~uint64_t{kMostTasks}) - (now.word & ~uint64_t{kMostTasks})) > 0;
      left = later ? 0 : end - begin_of(share, shares, now.tasks());
    }
    if (left == 0) return -1;
    Numbered next{now.number() << 24 | uint64_t(left - 1)};
    if (word.compare_exchange_weak(seen.word, next.word, std::memory_order_relaxed)) {
      last = left == 1;
      return end - left;
    }
  }
}

// Opens the first launch from here on that has tasks, or ends the step. Nobody else is at work now. One task is no
// work to share: it is done at once, and the others need not hear of it.
void ThreadPool::open_next(size_t launch, int thread) {
  for (; launch < launches_.size(); ++launch) {
    int tasks = launches_[launch].tasks();
    if (tasks > 1) return publish(launch, tasks);
    if (tasks == 1) launches_[launch].run(0, thread);
  }
  busy_.store(false, std::memory_order_release);
}

void ThreadPool::publish(size_t launch, int tasks) {
  check(tasks <= kMostTasks, "a launch has at most 2^24 − 1 tasks");
  launch_ = launch;
  done_.store(0, std::memory_order_relaxed);
  uint64_t number = Numbered{open_.load(std::memory_order_relaxed)}.number() + 1;
  open_.store(number << 24 | uint64_t(tasks), std::memory_order_release);
}

}  // namespace troika::device::cpu
