// Dispatches that wait for each other by themselves. Software runs them one after the other, so that nobody waits there: what
// is tested is who counts for whom, and what becomes of a step in which somebody waits in vain.
#include <gtest/gtest.h>

#include <cstring>

#include "device/vulkan/recorder.h"
#include "device/vulkan_here.h"

namespace troika::device::vulkan {
namespace {

// A product of no row, by a kernel for four, which do not ask ahead: its first workgroup waits and all pass on, as far as they are
// told to.
std::array<std::byte, 128> push_of(VkDeviceAddress step) {
  std::array<std::byte, 128> push{};
  const int32_t rows = -1;
  std::memcpy(push.data(), &step, sizeof step);
  std::memcpy(push.data() + 88, &rows, sizeof rows);  // of shaders/lib/product.glsl
  return push;
}

void run(Recorder& recorder) {
  recorder.submit();
  recorder.wait();
}

class VulkanChain : public OnVulkanChained {
 protected:
  void SetUp() override {
    OnVulkanChained::SetUp();
    if (IsSkipped()) return;
    context_ = Context::open();
    ASSERT_TRUE(context_->has_chains());
    step_ = context_->allocate(4096);
  }
  // Two dispatches, the second behind the first. `passes_on`: the first says when it is done.
  std::unique_ptr<Recorder> run_two(bool passes_on) {
    auto recorder = std::make_unique<Recorder>(context_, UINT64_MAX);
    const auto push = push_of(step_->address());
    const auto kernel = [](bool chained) { return PipelineKey{"linear_int8.q4_0", {4, 0, 0, 64, 0, 0, 1, chained}}; };
    const Range result{0x1000, 64};
    recorder->dispatch({.pipeline = kernel(passes_on), .push = push, .groups = {2, 3, 1}, .writes = {result}, .can_wait = true});
    recorder->dispatch({.pipeline = kernel(true), .push = push, .groups = {2, 1, 1}, .reads = {result}, .can_wait = true});
    recorder->end();
    run(*recorder);
    return recorder;
  }
  std::shared_ptr<Context> context_;
  std::shared_ptr<GpuBuffer> step_;  // zeros: no row is live
};

TEST_F(VulkanChain, NeedsABarrierBesideWhoeverCannotWait) {
  Chain chain;
  const size_t first = chain.add(true, 3);
  EXPECT_EQ(chain.add(true, 4), first);
  chain.begin_link();
  const size_t second = chain.add(true, 5);
  chain.begin_link();
  const size_t third = chain.add(true, 6);
  EXPECT_EQ(chain.add(false, 7), third);
  chain.begin_link();
  const size_t fourth = chain.add(true, 8);
  EXPECT_FALSE(chain.waits(second)) << "nothing is placed yet";
  chain.place(*context_);
  EXPECT_FALSE(chain.waits(first));
  EXPECT_TRUE(chain.waits(second));
  EXPECT_FALSE(chain.waits(third)) << "one of them cannot";
  EXPECT_FALSE(chain.waits(fourth)) << "one of the third does not say when it is done";
  EXPECT_LT(chain.address(first), chain.address(second));
  chain.dissolve();
  EXPECT_FALSE(chain.waits(second));
  EXPECT_EQ(chain.address(second), 0u);
}

TEST_F(VulkanChain, TakesThePlaceOfABarrier) {
  const auto recorder = run_two(true);
  EXPECT_EQ(recorder->barriers(), 0);
  for (int i = 0; i < 3; ++i) {
    run(*recorder);
    EXPECT_FALSE(recorder->waited_in_vain());
  }
}

TEST_F(VulkanChain, TellsWhenSomebodyWaitedInVainAndThenHasBarriers) {
  const auto recorder = run_two(false);
  EXPECT_EQ(recorder->barriers(), 0);
  EXPECT_TRUE(recorder->waited_in_vain());
  recorder->use_barriers();
  EXPECT_EQ(recorder->barriers(), 1);
  run(*recorder);
  EXPECT_FALSE(recorder->waited_in_vain());
}

TEST_F(VulkanChain, IsNotMadeOnceTheyAreStopped) {
  context_->stop_chains();
  EXPECT_EQ(run_two(true)->barriers(), 1);
}

}  // namespace
}  // namespace troika::device::vulkan
