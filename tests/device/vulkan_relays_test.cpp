// Dispatches that wait for each other by themselves. Software runs them one after the other, so that nobody waits there: what
// is tested is who counts for whom, and what becomes of a step in which somebody waits in vain.
#include <gtest/gtest.h>

#include <cstring>

#include "device/vulkan/recorder.h"
#include "device/vulkan_here.h"

namespace troika::device::vulkan {
namespace {

class VulkanRelays : public OnVulkanInRelays {};

TEST_F(VulkanRelays, NeedABarrierBesideWhoeverKnowsNone) {
  Relays relays;
  const size_t first = relays.add(true, 3);
  EXPECT_EQ(relays.add(true, 4), first);
  relays.begin_next(true);
  const size_t second = relays.add(true, 5);
  EXPECT_EQ(relays.add(false, 6), second);
  relays.begin_next(true);
  const size_t third = relays.add(true, 7);
  relays.begin_next(false);
  const size_t fourth = relays.add(false, 8);
  EXPECT_FALSE(relays.waits(second)) << "nothing is placed yet";
  relays.place(*Context::open());
  EXPECT_FALSE(relays.waits(first));
  EXPECT_TRUE(relays.waits(second));
  EXPECT_FALSE(relays.waits(third)) << "one of the second does not say when it is done";
  EXPECT_FALSE(relays.waits(fourth));
  EXPECT_LT(relays.address(first), relays.address(second));
  relays.give_up();
  EXPECT_FALSE(relays.waits(second));
  EXPECT_EQ(relays.address(second), 0u);
}

// A product of no row: its first workgroup waits and all pass on, as far as they are told to.
std::array<std::byte, 128> push_of(VkDeviceAddress step) {
  std::array<std::byte, 128> push{};
  const int32_t rows = -1;
  std::memcpy(push.data(), &step, sizeof step);
  std::memcpy(push.data() + 88, &rows, sizeof rows);  // of shaders/lib/product.glsl
  return push;
}

// Two dispatches, the second behind the first. `passes_on`: the first says when it is done.
void record(Recorder& recorder, VkDeviceAddress step, bool passes_on) {
  const auto push = push_of(step);
  const auto kernel = [](bool knows) {
    return PipelineKey{"linear_int8.q4_0", {1, 0, 0, 64, 0, 0, 1, knows}};
  };
  const Range result{0x1000, 64};
  recorder.dispatch({.pipeline = kernel(passes_on), .push = push, .groups = {2, 3, 1}, .writes = {result}, .knows_relays = true});
  recorder.dispatch({.pipeline = kernel(true), .push = push, .groups = {2, 1, 1}, .reads = {result}, .knows_relays = true});
  recorder.end();
  recorder.submit();
  recorder.wait();
}

TEST_F(VulkanRelays, TakeThePlaceOfABarrier) {
  const auto context = Context::open();
  const auto step = context->allocate(4096);
  Recorder recorder(context, UINT64_MAX);
  record(recorder, step->address(), true);
  EXPECT_EQ(recorder.barriers(), 0);
  for (int replay = 0; replay < 3; ++replay) {
    recorder.submit();
    recorder.wait();
  }
  EXPECT_TRUE(context->has_relays());
}

TEST_F(VulkanRelays, AreGivenUpWhenSomebodyWaitsInVain) {
  const auto context = Context::open();
  const auto step = context->allocate(4096);
  Recorder recorder(context, UINT64_MAX);
  record(recorder, step->address(), false);
  EXPECT_EQ(recorder.barriers(), 1) << "recorded again";
  EXPECT_FALSE(context->has_relays());
  Recorder next(context, UINT64_MAX);
  record(next, step->address(), true);
  EXPECT_EQ(next.barriers(), 1) << "from now on";
}

}  // namespace
}  // namespace troika::device::vulkan
