// What TROIKA_VULKAN_PROFILE=1 prints. Times are made up, but for those of a step that is timed.
#include "device/vulkan/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "device/vulkan_here.h"

namespace troika::device::vulkan {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

TEST(VulkanProfile, SaysWhatAStepSpendsOnEachKernelTheCostliestFirst) {
  Profile profile("a GPU", 8);
  EXPECT_EQ(profile.table(), "") << "nothing was computed";
  for (int step = 0; step < 2; ++step) {
    profile.add("norm", 10e-6);
    profile.add("linear, 2 x 3", 45e-6);
    profile.add("linear, 2 x 3", 35e-6);
    profile.end_step();
  }
  const std::string table = profile.table();
  EXPECT_THAT(table, HasSubstr("a GPU, a step of up to 8 rows, the mean of 2: 0.090 ms"));
  EXPECT_THAT(table, ContainsRegex("88\\.9 % +80\\.0 us = +2\\.0 x +40\\.0 us  linear, 2 x 3\n +11\\.1 % +10\\.0 us = +1\\.0 x +10\\.0 us  norm\n"));
}

class VulkanProfileOfAStep : public OnVulkan {};

TEST_F(VulkanProfileOfAStep, TimesEachDispatchByItself) {
  const auto context = Context::open();
  if (!context->keeps_time()) GTEST_SKIP() << "this GPU keeps no time";
  const auto memory = context->allocate(4096);
  const struct {
    VkDeviceAddress data, result;
    uint32_t count;
    float factor, summand;
  } push{memory->address(), memory->address() + 2048, 4, 0, 0};  // of shaders/lib/limit.glsl
  Recorder recorder(context, UINT64_MAX, Recorder::Timed::each);
  for (const char* what : {"", "once more"}) {
    recorder.dispatch({.pipeline = {"limit_read", {}}, .push = bytes_of(push), .what = what});
  }
  recorder.end();
  Profile profile("it", 1);
  for (int step = 0; step < 3; ++step) {
    recorder.submit();
    recorder.wait();
    ASSERT_EQ(recorder.timed().size(), 2u);
    for (const Submission& each : recorder.timed()) EXPECT_EQ(each.dispatches, 1);
    profile.add(recorder);
  }
  EXPECT_THAT(profile.table(), HasSubstr("the mean of 2"));
  EXPECT_THAT(profile.table(), HasSubstr("  limit_read\n"));
  EXPECT_THAT(profile.table(), HasSubstr("  limit_read, once more\n"));
}

}  // namespace
}  // namespace troika::device::vulkan
