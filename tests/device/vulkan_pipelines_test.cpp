// Pipelines: made once for each shader and its constants, whoever asks, by many threads at once.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "device/vulkan/context.h"
#include "device/vulkan_here.h"

namespace troika::device::vulkan {
namespace {

class VulkanPipelines : public OnVulkan {};

TEST_F(VulkanPipelines, AreMadeOnceHoweverManyThreadsAsk) {
  const auto context = Context::open();
  std::vector<PipelineKey> keys;
  for (uint32_t kind = 0; kind < 6; ++kind) keys.insert(keys.end(), 2, {"elementwise", {kind}});
  keys.push_back({"rope", {}});
  std::vector<std::vector<VkPipeline>> found(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : found) {
      threads.emplace_back([&] {
        context->make_pipelines(keys);
        for (const PipelineKey& key : keys) mine.push_back(context->pipeline(key));
      });
    }
  }
  for (const auto& mine : found) EXPECT_EQ(mine, found[0]);
  EXPECT_EQ(std::set(found[0].begin(), found[0].end()).size(), 7u);
  for (size_t i = 0; i < 12; i += 2) EXPECT_EQ(found[0][i], found[0][i + 1]);
}

TEST_F(VulkanPipelines, SayThatThereIsNoSuchShader) {
  EXPECT_THROW(Context::open()->make_pipelines({{"rope", {}}, {"no_such_shader", {}}}), Error);
}

}  // namespace
}  // namespace troika::device::vulkan
