// What amdgpu's counters say, in folders like those of /sys/class/drm.
#include "device/vulkan/free_memory.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace troika::device::vulkan {
namespace {

class AmdgpuMemory : public testing::Test {
 protected:
  ~AmdgpuMemory() override { std::filesystem::remove_all(drm_); }
  struct Counters {
    uint64_t vram_total, vram_used, gtt_total, gtt_used;
  };
  void card(const Counters& c) {
    const auto folder = drm_ / "card0" / "device";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "mem_info_vram_total") << c.vram_total << '\n';
    std::ofstream(folder / "mem_info_vram_used") << c.vram_used << '\n';
    std::ofstream(folder / "mem_info_gtt_total") << c.gtt_total << '\n';
    std::ofstream(folder / "mem_info_gtt_used") << c.gtt_used << '\n';
  }
  const std::filesystem::path drm_ = std::filesystem::temp_directory_path() / fmt::format("troika-drm-{}", getpid());
};

TEST_F(AmdgpuMemory, IsTheCarveOutAndWhatMayBeBorrowed) {
  card({.vram_total = 512, .vram_used = 500, .gtt_total = 14000, .gtt_used = 4000});
  EXPECT_EQ(amdgpu_free_bytes(drm_), 10012u);
}

TEST_F(AmdgpuMemory, IsNothingWhereMoreIsUsedThanThereIs) {
  card({.vram_total = 512, .vram_used = 600, .gtt_total = 100, .gtt_used = 100});
  EXPECT_EQ(amdgpu_free_bytes(drm_), 0u);
}

TEST_F(AmdgpuMemory, IsUnknownWithoutAllCounters) {
  EXPECT_EQ(amdgpu_free_bytes(drm_), std::nullopt);
  card({.vram_total = 512, .vram_used = 0, .gtt_total = 100, .gtt_used = 0});
  std::filesystem::remove(drm_ / "card0/device/mem_info_gtt_used");
  EXPECT_EQ(amdgpu_free_bytes(drm_), std::nullopt);
}

}  // namespace
}  // namespace troika::device::vulkan
