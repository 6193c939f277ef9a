#include "apps/peaks.h"

#include <algorithm>
#include <chrono>

#include "apps/together.h"

namespace troika::apps {
namespace {

constexpr int kRuns = 8;
constexpr double kSecondsPerRun = 0.01;

using Loop = int64_t (*)(int64_t rounds) noexcept;

double seconds_of(Loop loop, int64_t rounds) {
  auto begin = std::chrono::steady_clock::now();
  loop(rounds);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Rounds that take about a run's time.
int64_t rounds_per_run(Loop loop) {
  int64_t rounds = 64;
  while (rounds < int64_t{1} << 40 && seconds_of(loop, rounds) < kSecondsPerRun / 4) rounds *= 2;
  return rounds * 4;
}

double peak(Loop loop, int threads) {
  int64_t rounds = rounds_per_run(loop), operations = loop(1) * rounds;
  double seconds = fastest_together(threads, kRuns, [](int) {}, [&](int) { loop(rounds); });
  return double(operations) * threads / seconds;
}

}  // namespace

Peaks measure_peaks(const kernels::KernelTable& table, int threads) {
  threads = std::max(threads, 1);
  return {.fp32 = peak(table.fp32_peak, threads), .int8 = peak(table.int8_peak, threads)};
}

std::vector<const kernels::KernelTable*> fast_tables() {
  std::vector<const kernels::KernelTable*> tables;
  for (kernels::Isa isa : {kernels::Isa::avx2, kernels::Isa::avx512}) {
    if (const kernels::KernelTable* table = kernels::kernel_table(isa)) tables.push_back(table);
  }
  if (tables.empty()) tables.push_back(kernels::kernel_table(kernels::Isa::scalar));
  return tables;
}

}  // namespace troika::apps
