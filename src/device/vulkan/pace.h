// How long a submission may be. The desktop shares an integrated GPU, and a driver's watchdog resets one that does not answer;
// so a step is cut into submissions of some 20 ms, by the work in them. Work is counted in multiplications of int8; how many
// of these a GPU makes in a second is learned from what submissions took.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "device/vulkan/caps.h"

namespace troika::device::vulkan {

// What one submission was, and how long it took.
struct Submission {
  uint64_t work = 0;
  double seconds = 0;
};

// Where submissions begin: the numbers of their first dispatches. None but single dispatches is more work than `most`.
std::vector<size_t> cut(std::span<const uint64_t> works, uint64_t most);

}  // namespace troika::device::vulkan
