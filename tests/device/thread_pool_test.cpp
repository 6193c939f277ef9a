// The pool under stress. A thread that loses its core between two instructions sees the pool again many launches
// later; whatever it still believes then must do no harm. So this replays tiny launches for many time slices, with
// more threads than cores too.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "device/cpu/thread_pool.h"

namespace troika::device {
namespace {

// Numbers that come again: a stale count of done tasks then equals the number of tasks of some later launch.
constexpr std::array kTasks = {1, 2, 3, 1, 7, 2, 1, 64, 3, 2, 1, 1, 2, 5, 1, 3, 1, 2};
constexpr int kLaunches = kTasks.size();

void no_relax() noexcept {}

[[noreturn]] void give_up(int step, int launch, int task, const char* what) {
  std::fprintf(stderr, "step %d launch %d task %d: %s\n", step, launch, task, what);
  std::_Exit(1);
}

void replay(int threads, std::chrono::milliseconds patience) {
  std::vector<std::array<std::atomic<int>, 64>> runs(kLaunches);  // of each task, since the pool began
  int step = 0;
  auto expect_done = [&](int launch) {
    for (int task = 0; task < kTasks[launch]; ++task)
      if (runs[launch][task].load(std::memory_order_relaxed) != step + 1)
        give_up(step, launch, task, "has not run exactly once");
  };
  std::vector<cpu::Launch> launches(kLaunches);
  for (int l = 0; l < kLaunches; ++l)
    launches[l] = {[&, l] {
                     if (l > 0) expect_done(l - 1);
                     return kTasks[l];
                   },
                   [&, l](int task, int) {
                     if (task < 0 || task >= kTasks[l]) give_up(step, l, task, "does not exist");
                     if (++runs[l][task] != step + 1) give_up(step, l, task, "has run twice or too early");
                   }};
  cpu::ThreadPool pool(threads, no_relax);
  auto end = std::chrono::steady_clock::now() + patience;
  for (; step < 2000 || std::chrono::steady_clock::now() < end; ++step) {
    pool.start(launches);
    pool.finish();
    for (int l = 0; l < kLaunches; ++l) expect_done(l);
  }
}

// A pool that broke its promise may also wait for ever: it runs in a process of its own, with an alarm.
TEST(ThreadPoolDeathTest, RunsEveryTaskOfTinyLaunchesExactlyOnce) {
  int cores = static_cast<int>(std::thread::hardware_concurrency());
  for (int threads : {2, 3, 4, std::clamp(2 * cores, 8, 32)}) {
    auto child = [threads] {
      alarm(60);
      replay(threads, std::chrono::milliseconds(600));
      std::_Exit(0);
    };
    EXPECT_EXIT(child(), ::testing::ExitedWithCode(0), "") << threads << " threads";
  }
}

}  // namespace
}  // namespace troika::device
