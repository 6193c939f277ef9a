#include "plan/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/published.h"

namespace troika::plan {
namespace {

using testing::HasSubstr, testing::StartsWith;

const Published& seven_billion() {
  static const Published model("qwen2.5-7b-instruct");
  return model;
}

MachinePlan plan_on(const Hardware& machine, const Published& model = seven_billion(),
                    ModelSizes sizes = seven_billion().sizes()) {
  return plan_for(machine, model.planned(Recipe::q4_k_m), sizes);
}

Hardware phoenix() { return *built_in("phoenix-ddr5"); }

TEST(Planner, LetsTheGpuAnswerAndTheOthersReadNewPrompts) {
  const MachinePlan plan = plan_on(phoenix());
  EXPECT_EQ(plan.main.devices, std::vector<size_t>{0});
  ASSERT_TRUE(plan.side_pays);
  EXPECT_EQ(plan.side->lane.devices, (std::vector<size_t>{1, 2}));
  EXPECT_GT(plan.side->gain, 1.4);
  EXPECT_LT(plan.side->gain, 1.8);
  EXPECT_NEAR(plan.main.prompt_rate, 302, 0.1 * 302);           // 254 to 321 were seen
  EXPECT_NEAR(plan.decode[0].tokens_per_s, 16.5, 0.1 * 16.5);   // and 16.5 of a file of this size
  EXPECT_THAT(plan.reasons[1], HasSubstr("decoding is bound by the memory bus"));
  EXPECT_EQ(command_line(phoenix(), plan), "--device vulkan --prefill-device npu,cpu");
}

TEST(Planner, GivesTheNpuNothingBelowBreakEvenAndSaysSo) {
  Hardware machine = phoenix();
  for (size_t slow : {1, 2}) {
    for (Speed& speed : machine.devices[slow].speeds) {
      for (Speed::Point& point : speed.sizes[0].points) point.per_s *= 0.1;
    }
  }
  const MachinePlan plan = plan_on(machine);
  EXPECT_FALSE(plan.side_pays);
  EXPECT_LT(plan.side->lane.prompt_rate, 0.18 * plan.main.prompt_rate);
  EXPECT_THAT(plan.reasons[1], testing::AllOf(HasSubstr("npu: nothing"), HasSubstr("it pays from 0.18")));
}

TEST(Planner, CountsMemoryAndRefusesWithNumbers) {
  Hardware machine = phoenix();
  machine.memory.bytes.value = 8e9;
  const MachinePlan small = plan_on(machine);
  EXPECT_THAT(small.refusal,
              testing::AllOf(HasSubstr("does not fit"), HasSubstr("8.00 GB of memory"), HasSubstr("weights 4.")));
  machine.memory.bytes.value = 12e9;  // once, but not a second time for the lane that would help
  machine.memory.gtt.value = 6e9;
  const MachinePlan once = plan_on(machine);
  EXPECT_EQ(once.refusal, "");
  EXPECT_FALSE(once.side_pays);
  EXPECT_THAT(once.reasons[1], HasSubstr("does not fit"));
  EXPECT_GT(once.users_served, 0);
  EXPECT_LT(once.users_served, plan_on(phoenix()).users_served);
}

TEST(Planner, SplitsLayersWhereTheGpuMayNotHoldThemAll) {
  Hardware machine = phoenix();
  machine.memory.gtt.value = 3e9;
  machine.memory.carved.value = 0;
  const MachinePlan plan = plan_on(machine);
  EXPECT_EQ(plan.main.devices, (std::vector<size_t>{0, 2}));
  EXPECT_LT(plan.residency.weights[0], 3e9);
  EXPECT_GT(plan.residency.weights[0], 1.5e9);
  const int begin = plan.main.split->begin;
  EXPECT_THAT(command_line(machine, plan), StartsWith("--device vulkan,cpu --place " + std::to_string(begin) + "-27=cpu"));
  EXPECT_THAT(plan.reasons[2], HasSubstr("layers " + std::to_string(begin) + " to 27"));
  machine.memory.gtt.value = 1e8;
  const MachinePlan none = plan_on(machine);
  EXPECT_FALSE(none.main.has(0));
  EXPECT_LT(none.decode[0].tokens_per_s, plan.decode[0].tokens_per_s);
  EXPECT_LT(plan.decode[0].tokens_per_s, plan_on(phoenix()).decode[0].tokens_per_s);
}

TEST(Planner, KeepsWhatTheUserPins) {
  PlannedModel model = seven_billion().planned(Recipe::q4_k_m);
  model.pin = [](const ops::Op& op) { return op.kind == ops::OpKind::linear ? "npu" : ""; };
  const MachinePlan plan = plan_for(phoenix(), model, seven_billion().sizes());
  const ops::Program program = seven_billion().trace(1, 1);
  for (size_t i = 0; i < program.ops.size(); ++i) {
    EXPECT_EQ(plan.main.decode.device_of_op[i] == 1, program.ops[i].kind == ops::OpKind::linear) << program.ops[i].name;
  }
  model.pin = [](const ops::Op& op) { return op.kind == ops::OpKind::attend ? "npu" : ""; };
  EXPECT_THAT(plan_for(phoenix(), model, seven_billion().sizes()).refusal, HasSubstr("as it is pinned"));
}

TEST(Planner, PredictsMoreTokensForMoreUsersAndMoreTimeForMoreTokens) {
  for (const char* name : {"qwen2.5-7b-instruct", "gemma-3-4b-it", "qwen3-30b-a3b", "gemma-3n-e4b-it"}) {
    const Published model(name);
    const MachinePlan plan = plan_on(phoenix(), model, model.sizes());
    EXPECT_EQ(plan.refusal, "") << name;
    for (size_t i = 1; i < plan.decode.size(); ++i) {
      EXPECT_GT(plan.decode[i].tokens_per_s, plan.decode[i - 1].tokens_per_s) << name;
    }
    for (size_t i = 1; i < 5; ++i) EXPECT_GE(plan.first_tokens[i].seconds, plan.first_tokens[i - 1].seconds) << name;
    EXPECT_LT(plan.first_tokens[5].seconds, plan.first_tokens[4].seconds) << name;  // most of it cached
  }
}

}  // namespace
}  // namespace troika::plan
