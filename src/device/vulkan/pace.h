// How long a submission may be. The desktop shares an integrated GPU, and a driver's watchdog resets one that does not answer:
// so a step is cut into submissions of some 20 ms, by the work in them. Work is counted in multiplications of int8; how many of
// these the GPU at hand makes in a second is learned from how long submissions took.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "device/vulkan/caps.h"

namespace troika::device::vulkan {

inline constexpr double kLongestSubmission = 0.05;  // seconds: three frames of a desktop

// What one submission was, and how long it took.
struct Submission {
  uint64_t work = 0;
  double seconds = 0;
  int dispatches = 0;
};

// Where submissions begin: the numbers of their first dispatches. None but single dispatches is more work than `most`.
std::vector<size_t> cut(std::span<const uint64_t> works, uint64_t most);

// Work in a submission for a GPU that does so much in a second; nothing: it is not known, and the kind of GPU must do.
uint64_t most_work(GpuKind kind, std::optional<double> work_per_second);

// The same rate when a step took so long: lower at once, higher little by little, for a step may have few live rows.
std::optional<double> learned(std::optional<double> work_per_second, std::span<const Submission> step);

// Whether a finer cut would have been better: single dispatches are as long as they are.
bool has_too_long(std::span<const Submission> step);

// Whether what was cut for `most` work had better be cut anew, now that it would be `now`: where a rate was far too low, of an
// unknown GPU or of one that others used for a moment.
bool is_far_too_fine(uint64_t most, uint64_t now);

}  // namespace troika::device::vulkan
