#include "device/vulkan/free_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "base/platform.h"

namespace troika::device::vulkan {
namespace {

constexpr uint32_t kAmd = 0x1002;

std::optional<uint64_t> number_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  uint64_t number = 0;
  if (!(in >> number)) return std::nullopt;
  return number;
}

}  // namespace

std::optional<uint64_t> amdgpu_free_bytes(const std::filesystem::path& drm) {
  std::optional<uint64_t> most;
  std::error_code error;
  for (const auto& card : std::filesystem::directory_iterator(drm, error)) {
    uint64_t bytes = 0;
    bool known = true;
    for (const char* kind : {"vram", "gtt"}) {
      const auto file = [&](const char* what) { return card.path() / "device" / fmt::format("mem_info_{}_{}", kind, what); };
      const auto total = number_in(file("total")), used = number_in(file("used"));
      known = known && total && used;
      if (known) bytes += *total - std::min(*total, *used);
    }
    if (known) most = std::max(most.value_or(0), bytes);
  }
  return most;
}

uint64_t free_bytes(const Context& context) {
  const Caps& caps = context.caps();
  uint64_t bytes = context.budget_bytes();
  if (caps.vendor == kAmd) bytes = std::min(bytes, amdgpu_free_bytes("/sys/class/drm").value_or(bytes));
  if (caps.kind != GpuKind::discrete) bytes = std::min(bytes, uint64_t(platform::memory().available_bytes));
  return bytes;
}

}  // namespace troika::device::vulkan
