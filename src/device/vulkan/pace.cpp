#include "device/vulkan/pace.h"

namespace troika::device::vulkan {

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

}  // namespace troika::device::vulkan
