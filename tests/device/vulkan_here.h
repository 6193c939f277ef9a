// The Vulkan device of this machine, for tests of what is its own.
#pragma once

#include <gtest/gtest.h>

#include "base/error.h"
#include "device/device.h"
#include "device/kept_variable.h"

namespace troika::device {

// Skipped where there is no GPU, with the sentence that says why.
class OnVulkan : public testing::Test {
 protected:
  void SetUp() override {
    try {
      device_ = make_device("vulkan", {.float32 = true});
    } catch (const Error& error) {
      GTEST_SKIP() << error.what();
    }
  }
  std::unique_ptr<Device> device_;
};

// With chains in the place of barriers (device/vulkan/chain.h), whatever the GPU is.
class OnVulkanChained : public OnVulkan {
 protected:
  void SetUp() override {
    ::setenv("TROIKA_VULKAN_CHAINS", "1", 1);  // read when the GPU is opened
    OnVulkan::SetUp();
  }

 private:
  const Kept chain_{"TROIKA_VULKAN_CHAINS"};
};

}  // namespace troika::device
