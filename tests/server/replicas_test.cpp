// Which replica a request goes to.
#include "server/replicas.h"

#include <gtest/gtest.h>

#include "server/fake_engine.h"

namespace troika::server {
namespace {

using namespace std::chrono_literals;

class ReplicasTest : public testing::Test {
 protected:
  ReplicasTest() {
    for (FakeEngine& engine : engines) replicas.add_lent(engine);
  }
  size_t take(std::optional<uint64_t> conversation = {}) { return replicas.take(conversation, now).number; }

  std::array<FakeEngine, 3> engines;
  Replicas replicas;
  Replicas::Clock::time_point now = Replicas::Clock::now();
};

TEST_F(ReplicasTest, TheOneWithTheFewestRequestsIsNext) {
  EXPECT_EQ(take(), 0u);
  EXPECT_EQ(take(), 1u);
  EXPECT_EQ(take(), 2u);
  replicas.give_back(1);
  EXPECT_EQ(take(), 1u);
  EXPECT_EQ(replicas.requests(1), 1);
}

TEST_F(ReplicasTest, AConversationStaysWhereItWas) {
  take();
  EXPECT_EQ(take(7), 1u);
  replicas.give_back(1);
  replicas.give_back(0);
  EXPECT_EQ(take(), 0u);
  replicas.give_back(0);
  EXPECT_EQ(take(7), 1u);  // though another one comes before it
  EXPECT_EQ(take(8), 0u);
}

TEST_F(ReplicasTest, AConversationGoesElsewhereWhereItWouldWaitLonger) {
  EXPECT_EQ(take(7), 0u);
  EXPECT_EQ(take(7), 0u);  // one more than the others: it has read the beginning
  EXPECT_EQ(take(7), 1u);
  replicas.give_back(1);
  EXPECT_EQ(take(7), 1u);  // which is where it is now
}

TEST_F(ReplicasTest, OneThatFailsIsPassedOverForAWhile) {
  EXPECT_EQ(take(7), 0u);
  replicas.give_back(0);
  engines[0].counted.failed_steps = 2;
  EXPECT_EQ(take(7), 0u);  // that may have been the requests' fault
  replicas.give_back(0);
  engines[0].counted.failed_steps = 3;
  EXPECT_EQ(take(7), 1u);
  EXPECT_EQ(take(), 2u);
  EXPECT_EQ(take(), 1u);
  EXPECT_TRUE(replicas.is_passed_over(0, now));
  now += 31s;
  EXPECT_EQ(take(), 0u);  // once more
  engines[0].counted.failed_steps = 4;
  EXPECT_NE(take(), 0u);
  engines[0].counted.failed_steps = 0;  // a step went well
  EXPECT_EQ(take(), 0u);
  EXPECT_FALSE(replicas.is_passed_over(0, now));
}

TEST_F(ReplicasTest, WhereAllFailOneIsTakenAndThatIsSaid) {
  for (FakeEngine& engine : engines) engine.counted.failed_steps = 5;
  const Replicas::Place place = replicas.take({}, now);
  EXPECT_TRUE(place.is_failing);
}

}  // namespace
}  // namespace troika::server
