#include "apps/machine_limits.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <set>
#include <span>
#include <thread>

#include "base/error.h"
#include "base/platform.h"

namespace troika::apps {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRuns = 8;                      // most of them may be disturbed
constexpr int kReadRuns = kRuns / 2;          // of each way to read
constexpr size_t kPart = size_t{128} << 10;   // parts are a multiple of it
constexpr size_t kHugePage = size_t{2} << 20;
constexpr double kSecondsPerRun = 0.01;       // of arithmetic

// Each of `threads` threads calls prepare(thread) once; then all call work(thread) `runs` times, every time beginning
// together. Seconds of the fastest run, from the common beginning to the end of the last thread.
double fastest_together(int threads, int runs, const std::function<void(int)>& prepare,
                        const std::function<void(int)>& work) {
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

// Far beyond the cache, so that a second run finds little of the first one there.
size_t buffer_bytes(int threads) {
  size_t wanted = std::max(size_t{256} << 20, 4 * last_cache_bytes());
  size_t bytes = std::clamp(platform::memory().available_bytes / 4, size_t{16} << 20, wanted);
  size_t unit = kPart * static_cast<size_t>(threads);
  return std::max(bytes / unit, size_t{1}) * unit;
}

// Memory in huge pages where the system gives them: the limit shall be the memory's, not the page tables'.
class Words {
 public:
  explicit Words(size_t bytes)
      : data_(static_cast<uint64_t*>(std::aligned_alloc(kHugePage, (bytes + kHugePage - 1) / kHugePage * kHugePage))) {
    if (!data_) fail("{} MiB of memory are needed to measure the bandwidth", bytes >> 20);
    (void)::madvise(data_.get(), bytes, MADV_HUGEPAGE);
  }
  std::span<uint64_t> part(int number, size_t words) const {
    return {data_.get() + static_cast<size_t>(number) * words, words};
  }

 private:
  struct Free {
    void operator()(uint64_t* p) const { std::free(p); }
  };
  std::unique_ptr<uint64_t, Free> data_;
};

// Eight sums that do not wait for each other; one cache line a round. Some processors read much faster when they are
// told what comes next than when they have to guess it.
template <bool kAsksAhead>
uint64_t sum(std::span<const uint64_t> words) {
  constexpr size_t kAhead = 4096 / sizeof(uint64_t);
  uint64_t s[8] = {};
  for (size_t i = 0; i + 8 <= words.size(); i += 8) {
    if constexpr (kAsksAhead) __builtin_prefetch(words.data() + i + kAhead, 0, 2);
    for (size_t j = 0; j < 8; ++j) s[j] += words[i + j];
  }
  return s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
}

using Loop = int64_t (*)(int64_t rounds) noexcept;

double seconds_of(Loop loop, int64_t rounds) {
  auto begin = Clock::now();
  loop(rounds);
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Rounds that take about a run's time.
int64_t rounds_per_run(Loop loop) {
  int64_t rounds = 64;
  while (rounds < int64_t{1} << 40 && seconds_of(loop, rounds) < kSecondsPerRun / 4) rounds *= 2;
  return rounds * 4;
}

// Operations a second.
double peak(Loop loop, int threads) {
  int64_t rounds = rounds_per_run(loop), operations = loop(1) * rounds;
  double seconds = fastest_together(threads, kRuns, [](int) {}, [&](int) { loop(rounds); });
  return double(operations) * threads / seconds;
}

}  // namespace

size_t last_cache_bytes() {
  std::set<std::string> seen;  // a cache is listed by each of its processors
  size_t kib_in_all = 0;
  for (int cpu = 0;; ++cpu) {
    std::string cache = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index3/";
    std::ifstream size(cache + "size"), shared(cache + "shared_cpu_list");  // "32768K", "0-7"
    size_t kib = 0;
    std::string by;
    if (!(size >> kib) || !(shared >> by)) return kib_in_all << 10;
    if (seen.insert(by).second) kib_in_all += kib;
  }
}

double measure_read_bandwidth(int threads) {
  threads = std::max(threads, 1);
  size_t bytes = buffer_bytes(threads), part = bytes / sizeof(uint64_t) / static_cast<size_t>(threads);
  Words words(bytes);
  std::atomic<uint64_t> total = 0;  // makes the reading count
  auto fill = [&](int thread) {     // real pages, on this thread's side of the memory
    std::ranges::fill(words.part(thread, part), uint64_t{1});
  };
  auto nothing = [](int) {};
  double guessed =
      fastest_together(threads, kReadRuns, fill, [&](int t) { total += sum<false>(words.part(t, part)); });
  double asked =
      fastest_together(threads, kReadRuns, nothing, [&](int t) { total += sum<true>(words.part(t, part)); });
  check(total.load() == 2 * kReadRuns * part * static_cast<uint64_t>(threads), "all words were read");
  return double(bytes) / std::min(guessed, asked);
}

double measure_copy_bandwidth(int threads) {
  threads = std::max(threads, 1);
  size_t bytes = buffer_bytes(threads), part = bytes / sizeof(uint64_t) / static_cast<size_t>(threads);
  Words words(bytes);
  double seconds = fastest_together(
      threads, kRuns, [&](int thread) { std::ranges::fill(words.part(thread, part), uint64_t{1}); },
      [&](int thread) {
        std::span<uint64_t> mine = words.part(thread, part);
        std::memcpy(mine.data(), mine.data() + part / 2, part / 2 * sizeof(uint64_t));
      });
  return double(part / 2 * sizeof(uint64_t) * 2) * threads / seconds;
}

Peaks measure_peaks(const kernels::KernelTable& table, int threads) {
  threads = std::max(threads, 1);
  return {.fp32 = peak(table.fp32_peak, threads),
          .int8 = peak(table.int8_peak, threads),
          .bits16 = peak(table.int16_peak, threads)};
}

std::vector<const kernels::KernelTable*> fast_tables() {
  std::vector<const kernels::KernelTable*> tables;
  for (kernels::Isa isa : kernels::kIsas) {
    if (const kernels::KernelTable* table = kernels::kernel_table(isa)) tables.push_back(table);
  }
  if (tables.size() > 1) tables.erase(tables.begin());
  return tables;
}

Limits measure_limits(int threads, std::string_view kernels) {
  const kernels::KernelTable& table = kernels::kernel_table(kernels);
  return {{.read_bytes_per_s = measure_read_bandwidth(threads), .peaks = measure_peaks(table, threads)},
          fmt::format("{} threads", threads),
          threads,
          std::string(table.name)};
}

}  // namespace troika::apps
