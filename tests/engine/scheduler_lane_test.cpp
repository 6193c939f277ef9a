// Prompts that another lane computes, as the scheduler sees them.
#include <gtest/gtest.h>

#include "engine/scheduler_texts.h"

namespace troika::engine {
namespace {

TEST(Scheduler, SendsAPromptAwayAgainThatHasToStartOver) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(8, 0)});
  scheduler.use_lane(4 * P);
  Sequence prompt = counting(1, 5 * P + 1), urgent = counting(2, 4 * P, 1000);
  prompt.lane_tokens = 5 * P;
  urgent.priority = -1;
  scheduler.add(&prompt);
  EXPECT_TRUE(scheduler.next().empty());
  ASSERT_EQ(scheduler.next_away(), &prompt);
  const uint64_t trip = prompt.trip;
  EXPECT_EQ(scheduler.on_trip(trip), &prompt);
  EXPECT_TRUE(scheduler.land(prompt));
  EXPECT_EQ(scheduler.on_trip(trip), nullptr);
  ASSERT_EQ(scheduler.next().size(), 1u);
  compute(scheduler.next());

  scheduler.add(&urgent);
  ASSERT_EQ(scheduler.next().size(), 1u);
  EXPECT_EQ(scheduler.preemptions(), 1);
  scheduler.remove(&urgent, Scheduler::Cache::discard);
  EXPECT_TRUE(scheduler.next().empty());
  ASSERT_EQ(scheduler.next_away(), &prompt);
  EXPECT_NE(prompt.trip, trip);
  EXPECT_GT(prompt.computed, P) << "less is unknown now than what a new prompt leaves for";

  scheduler.leave_lane();
  const auto& work = scheduler.next();
  ASSERT_EQ(work.size(), 1u);
  EXPECT_EQ(work[0].count, prompt.outstanding());
}

}  // namespace
}  // namespace troika::engine
