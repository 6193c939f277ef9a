#include "device/vulkan/pace.h"

#include <algorithm>

namespace troika::device::vulkan {
namespace {

constexpr double kWanted = 0.02;    // seconds of a submission: what is not counted as work may double it
constexpr double kTelling = 0.005;  // of a step: in less, dispatches wait for each other more than they compute
constexpr double kRise = 1.0 / 8;   // of the way to a higher rate, with each step
constexpr uint64_t kFarTooFine = 4;

// What a GPU of the kind surely does in a second, but for very old ones.
double cautious_rate(GpuKind kind) { return kind == GpuKind::discrete ? 5e12 : 5e11; }

}  // namespace

std::vector<size_t> cut(std::span<const uint64_t> works, uint64_t most) {
  std::vector<size_t> begins{0};
  uint64_t work = 0;
  for (size_t i = 0; i < works.size(); ++i) {
    if (work > 0 && (work > most || works[i] > most - work)) {
      begins.push_back(i);
      work = 0;
    }
    work += works[i];
  }
  return begins;
}

uint64_t most_work(GpuKind kind, std::optional<double> work_per_second) {
  return uint64_t(work_per_second.value_or(cautious_rate(kind)) * kWanted);
}

std::optional<double> learned(std::optional<double> work_per_second, std::span<const Submission> step) {
  double all = 0, longest = 0;
  for (const Submission& each : step) {
    all += each.seconds;
    longest = std::max(longest, each.seconds);
  }
  if (all < kTelling) return work_per_second;
  std::optional<double> slowest;  // of the long ones: little may lie in the last
  for (const Submission& each : step) {
    if (each.seconds < longest / 2 || each.work == 0) continue;
    const double rate = double(each.work) / each.seconds;
    slowest = std::min(slowest.value_or(rate), rate);
  }
  if (!slowest || !work_per_second) return slowest ? slowest : work_per_second;
  return *slowest < *work_per_second ? *slowest : *work_per_second + (*slowest - *work_per_second) * kRise;
}

bool has_too_long(std::span<const Submission> step) {
  return std::ranges::any_of(step, [](const Submission& each) {
    return each.dispatches > 1 && each.seconds > kLongestSubmission;
  });
}

bool is_far_too_fine(uint64_t most, uint64_t now) { return now / kFarTooFine > most; }

}  // namespace troika::device::vulkan
