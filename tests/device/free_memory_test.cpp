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
  void card(const std::string& name, const std::string& file, uint64_t bytes) {
    const auto folder = drm_ / name / "device";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / file) << bytes << '\n';
  }
  const std::filesystem::path drm_ = std::filesystem::temp_directory_path() / fmt::format("troika-drm-{}", getpid());
};

TEST_F(AmdgpuMemory, IsTheCarveOutAndWhatMayBeBorrowed) {
  card("card0", "mem_info_vram_total", 512);
  card("card0", "mem_info_vram_used", 500);
  card("card0", "mem_info_gtt_total", 14000);
  card("card0", "mem_info_gtt_used", 4000);
  EXPECT_EQ(amdgpu_free_bytes(drm_), 10012u);
}

TEST_F(AmdgpuMemory, IsNothingWhereMoreIsUsedThanThereIs) {
  card("card0", "mem_info_vram_total", 512);
  card("card0", "mem_info_vram_used", 600);
  card("card0", "mem_info_gtt_total", 100);
  card("card0", "mem_info_gtt_used", 100);
  EXPECT_EQ(amdgpu_free_bytes(drm_), 0u);
}

TEST_F(AmdgpuMemory, IsUnknownWithoutAllCounters) {
  EXPECT_EQ(amdgpu_free_bytes(drm_), std::nullopt);
  card("card0", "mem_info_vram_total", 512);
  card("card0", "mem_info_vram_used", 0);
  EXPECT_EQ(amdgpu_free_bytes(drm_), std::nullopt);
}

}  // namespace
}  // namespace troika::device::vulkan
