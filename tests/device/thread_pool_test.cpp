// The pool under stress. A thread that loses its core between two instructions sees the pool again many launches
// later; whatever it still believes then must do no harm. So this replays tiny launches for many time slices, with
// more threads than cores too.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <thread>
#include <vector>

#include "device/cpu/thread_pool.h"

namespace troika::device {
namespace {

// Numbers that come again: a stale count of done tasks then equals the number of tasks of some later launch.
constexpr std::array kTasks = {1, 2, 3, 1, 7, 2, 1, 64, 3, 2, 1, 1, 2, 5, 1, 3, 1, 2};
constexpr int kLaunches = kTasks.size();

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
  cpu::ThreadPool pool({.threads = threads});
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

// Runs in a process of its own that must end well within a minute.
template <typename Run>
void expect_end(Run run) {
  auto child = [run] {
    alarm(60);
    run();
    std::_Exit(0);
  };
  EXPECT_EXIT(child(), ::testing::ExitedWithCode(0), "");
}

TEST(ThreadPoolDeathTest, LetsNoMoreThreadsWorkThanItIsLimitedTo) {
  expect_end([] {
    cpu::ThreadPool pool({.threads = 4});
    std::array<std::atomic<int>, 4> tasks = {};
    std::vector<cpu::Launch> launches = {{[] { return 64; }, [&](int, int thread) {
                                            ++tasks[size_t(thread)];
                                            std::this_thread::sleep_for(std::chrono::microseconds(200));
                                          }}};
    const auto threads_at_work = [&] {  // in launches without a pause, in which idle threads would sleep anyway
      for (auto& count : tasks) count = 0;
      for (int i = 0; i < 20; ++i) {
        pool.start(launches);
        pool.finish();
      }
      if (std::accumulate(tasks.begin(), tasks.end(), 0) != 20 * 64) give_up(0, 0, 0, "not every task ran once");
      return std::ranges::count_if(tasks, [](int count) { return count > 0; });
    };
    for (int limit : {4, 2, 1, 3, 4, 1, 9, 0}) {
      pool.limit(limit);
      int looks = 50;  // a thread that lost its core just before it looked may take a task late
      while (threads_at_work() != std::clamp(limit, 1, 4))
        if (--looks == 0) give_up(limit, 0, 0, "other threads work than may");
    }
  });
}

TEST(ThreadPoolDeathTest, ChangesItsThreadsBetweenTinyLaunchesAndEndsWithSomeAsleep) {
  expect_end([] {
    for (int pools = 0; pools < 20; ++pools) {
      cpu::ThreadPool pool({.threads = 5});
      int done = 0;
      std::atomic<int> tasks = 0;
      std::vector<cpu::Launch> launches = {{[] { return 7; }, [&](int, int) { ++tasks; }}};
      for (int step = 0; step < 2000; ++step) {
        if (step % 3 == 0) pool.limit(1 + step % 5);
        pool.start(launches);
        pool.finish();
        if (tasks != (done += 7)) give_up(step, 0, tasks, "not every task ran once");
      }
      pool.limit(1 + pools % 5);
    }
  });
}

TEST(ThreadPoolDeathTest, LeavesNoTaskToAThreadThatIsBusy) {
  expect_end([] {
    for (int threads : {2, 3, 7}) {
      cpu::ThreadPool pool({.threads = threads});
      for (int held : {0, 50, 99}) {  // in the first share, the middle, the last
        std::atomic<int> others = 0;
        std::vector<cpu::Launch> launches = {{[] { return 100; }, [&](int task, int) {
                                                if (task != held) ++others;
                                                while (task == held && others < 99) std::this_thread::yield();
                                              }}};
        pool.start(launches);
        pool.finish();
        if (others != 99) give_up(0, 0, held, "was done before the others");
      }
    }
  });
}

std::atomic<bool> go_on = false;
std::atomic<int> stopped = 0;

void stand_still(int) {
  ++stopped;
  while (!go_on) {
    timespec moment{.tv_sec = 0, .tv_nsec = 100'000};
    nanosleep(&moment, nullptr);
  }
}

// A thread that stands still between two tasks, wherever it is in the pool's code, is what a thread is to which the
// system gives no core.
TEST(ThreadPoolDeathTest, WaitsForNoThreadThatTookNoTask) {
  expect_end([] {
    constexpr int kThreads = 4;
    std::signal(SIGUSR1, stand_still);
    cpu::ThreadPool pool({.threads = kThreads});
    std::array<std::atomic<pthread_t>, kThreads> ids{};
    std::atomic<int> known = 0;
    std::vector<cpu::Launch> meet = {{[] { return kThreads; }, [&](int, int thread) {
                                        ids[thread] = pthread_self();
                                        ++known;
                                        while (known < kThreads) std::this_thread::yield();
                                      }}};
    std::atomic<int> runs = 0;
    std::vector<cpu::Launch> work(20, {[] { return 33; }, [&](int, int) { ++runs; }});
    pool.start(meet);
    pool.finish();
    for (int thread = 1; thread < kThreads; ++thread) pthread_kill(ids[thread], SIGUSR1);
    while (stopped < kThreads - 1) std::this_thread::yield();
    for (int step = 0; step < 10; ++step) {
      pool.start(work);
      pool.finish();
    }
    if (runs != 10 * 20 * 33) give_up(0, 0, runs, "tasks have run, not 6600");
    go_on = true;
    pool.start(work);  // those who come back do no harm
    pool.finish();
    if (runs != 11 * 20 * 33) give_up(0, 0, runs, "tasks have run, not 7260");
  });
}

TEST(ThreadPool, BeginsWithTheSameShareOfTasksOnEachThread) {
  constexpr int kThreads = 2, kEach = 10;
  cpu::ThreadPool pool({.threads = kThreads});
  std::array<std::atomic<int>, kThreads> first;
  for (auto& task : first) task = -1;
  std::atomic<int> arrived = 0;
  std::vector<cpu::Launch> launches = {{[] { return kThreads * kEach; }, [&](int task, int thread) {
                                          int none = -1;
                                          if (!first[thread].compare_exchange_strong(none, task)) return;
                                          ++arrived;
                                          while (arrived < kThreads) std::this_thread::yield();
                                        }}};
  pool.start(launches);
  pool.finish();
  EXPECT_EQ(first[0], 0);
  EXPECT_EQ(first[1], kEach);
}

TEST(ThreadPool, KeepsItsThreadsInTheirPlacesAndTheCallerFree) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &before)) ++cpu;
  std::vector<std::vector<int>> places = {{}, {cpu}};
  cpu::ThreadPool pool({.threads = 2, .places = places});
  std::array<cpu_set_t, 2> seen;
  std::atomic<int> arrived = 0;
  std::vector<cpu::Launch> launches = {{[] { return 2; }, [&](int, int thread) {
                                          sched_getaffinity(0, sizeof seen[thread], &seen[thread]);
                                          ++arrived;
                                          while (arrived < 2) std::this_thread::yield();
                                        }}};
  pool.start(launches);
  pool.finish();
  EXPECT_TRUE(CPU_EQUAL(&seen[0], &before));
  EXPECT_EQ(CPU_COUNT(&seen[1]), 1);
  EXPECT_TRUE(CPU_ISSET(cpu, &seen[1]));
}

}  // namespace
}  // namespace troika::device
