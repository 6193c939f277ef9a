// What a GPU can do, as it measures itself.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "device/vulkan_here.h"

namespace troika::device {
namespace {

class VulkanLimits : public OnVulkan {};

TEST_F(VulkanLimits, AreMeasuredInAFewSeconds) {
  const auto begin = std::chrono::steady_clock::now();
  const auto limits = device_->measure_limits();
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), 30);
  ASSERT_TRUE(limits);
  for (double limit : {limits->read_bytes_per_s, limits->peaks.fp32, limits->peaks.int8}) {
    EXPECT_TRUE(std::isfinite(limit) && limit > 1e6) << limit;
  }
}

}  // namespace
}  // namespace troika::device
