#include "apps/bandwidth.h"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "base/platform.h"

namespace troika::apps {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRuns = 8;        // a fifth of a second; most of them may be disturbed
constexpr size_t kPart = 4096;  // parts are whole pages

size_t last_cache_bytes() {
  std::ifstream in("/sys/devices/system/cpu/cpu0/cache/index3/size");  // "32768K"
  size_t kib = 0;
  return in >> kib ? kib << 10 : 0;
}

// Far beyond the cache, so that a second run finds little of the first one there.
size_t buffer_bytes(int threads) {
  size_t wanted = std::max(size_t{256} << 20, 8 * last_cache_bytes());
  size_t bytes = std::clamp(platform::memory().available_bytes / 4, size_t{16} << 20, wanted);
  size_t unit = kPart * static_cast<size_t>(threads);
  return std::max(bytes / unit, size_t{1}) * unit;
}

// Eight sums that do not wait for each other; one cache line a round.
uint64_t sum(std::span<const uint64_t> words) {
  uint64_t s[8] = {};
  for (size_t i = 0; i + 8 <= words.size(); i += 8) {
    for (size_t j = 0; j < 8; ++j) s[j] += words[i + j];
  }
  return s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
}

}  // namespace

double measure_read_bandwidth(int threads) {
  threads = std::max(threads, 1);
  size_t bytes = buffer_bytes(threads), part = bytes / sizeof(uint64_t) / static_cast<size_t>(threads);
  auto words = std::make_unique_for_overwrite<uint64_t[]>(bytes / sizeof(uint64_t));
  std::atomic<uint64_t> total = 0;  // makes the reading count
  double best = 0;
  Clock::time_point begin;
  int phase = 0;
  // Runs when all threads have arrived: before the first run, then after each.
  auto all_here = [&]() noexcept {
    Clock::time_point now = Clock::now();
    if (phase++ > 0)
      best = std::max(best, double(bytes) / std::chrono::duration<double>(now - begin).count());
    begin = Clock::now();
  };
  std::barrier gate(threads, all_here);
  auto work = [&](int thread) {
    std::span mine(words.get() + static_cast<size_t>(thread) * part, part);
    std::fill(mine.begin(), mine.end(), uint64_t{1});  // real pages, on this thread's side of the memory
    gate.arrive_and_wait();
    for (int run = 0; run < kRuns; ++run) {
      total += sum(mine);
      gate.arrive_and_wait();
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (int t = 1; t < threads; ++t) helpers.emplace_back(work, t);
    work(0);
  }
  return total.load() == kRuns * part * static_cast<uint64_t>(threads) ? best : 0;
}

}  // namespace troika::apps
