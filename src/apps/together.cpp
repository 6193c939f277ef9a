#include "apps/together.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <limits>
#include <thread>
#include <vector>

namespace troika::apps {

double fastest_together(int threads, int runs, const std::function<void(int)>& prepare,
                        const std::function<void(int)>& work) {
  using Clock = std::chrono::steady_clock;
  double best = std::numeric_limits<double>::infinity();
  Clock::time_point begin;
  int phase = 0;
  // Runs when all threads have arrived: before the first run, then after each.
  auto all_here = [&]() noexcept {
    if (phase++ > 0) best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
    begin = Clock::now();
  };
  std::barrier gate(threads, all_here);
  auto serve = [&](int thread) {
    prepare(thread);
    gate.arrive_and_wait();
    for (int run = 0; run < runs; ++run) {
      work(thread);
      gate.arrive_and_wait();
    }
  };
  {
    std::vector<std::jthread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back(serve, t);
    serve(0);
  }
  return best;
}

}  // namespace troika::apps
