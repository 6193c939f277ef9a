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
  // chains: TROIKA_VULKAN_CHAINS while the test runs; null: as it is.
  explicit OnVulkan(const char* chains = nullptr) {
    if (chains) ::setenv(kChains, chains, 1);  // read when the GPU is opened
  }
  void SetUp() override {
    try {
      device_ = make_device("vulkan", {.float32 = true});
    } catch (const Error& error) {
      GTEST_SKIP() << error.what();
    }
  }

 private:
  static constexpr const char* kChains = "TROIKA_VULKAN_CHAINS";
  const Kept kept_{kChains};

 protected:
  std::unique_ptr<Device> device_;
};

// With chains in the place of barriers (device/vulkan/chain.h), whatever the GPU is.
class OnVulkanChained : public OnVulkan {
 protected:
  OnVulkanChained() : OnVulkan("1") {}
};

}  // namespace troika::device
