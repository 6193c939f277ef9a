#include "plan/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
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

MachinePlan plan_with(const Wishes& wishes, const Hardware& machine = phoenix(), int users = 1) {
  return plan_for(machine, seven_billion().planned(Recipe::q4_k_m), seven_billion().sizes(4096, users), wishes);
}

Pins pins(std::string_view text) {
  const std::string names[] = {"vulkan", "npu", "cpu"};
  return parse_pins(text, names, 28);
}

// A CPU that reads prompts faster than the GPU, which is told to do all of the main lane.
Hardware phoenix_with_fast_cpu() {
  Hardware machine = phoenix();
  for (Speed& speed : machine.devices[2].speeds) {
    for (Speed::Point& point : speed.sizes[0].points) point.per_s *= 4;
  }
  return machine;
}
Wishes all_on_the_gpu() {
  return {.pins = pins("0-27=vulkan,embed=vulkan,pick_rows=vulkan,rms_norm=vulkan,linear=vulkan")};
}

TEST(Planner, LetsTheNpuHelpWithPromptsAndTheGpuAnswerAlone) {
  const MachinePlan plan = plan_on(phoenix());
  EXPECT_EQ(plan.main.devices, (std::vector<size_t>{0, 1, 2}));
  ASSERT_TRUE(plan.main.help);
  EXPECT_EQ(plan.main.help->device, 1u);
  EXPECT_EQ(plan.main.help->joins, 2u);
  for (int device : plan.main.decode.device_of_op) EXPECT_EQ(device, 0);
  EXPECT_GT(plan.main.prompt_rate, 1.3 * plan.main.alone_rate);
  EXPECT_LT(plan.main.prompt_rate, 1.8 * plan.main.alone_rate);
  EXPECT_NEAR(plan.main.alone_rate, 302, 0.1 * 302);           // 254 to 321 were seen
  EXPECT_NEAR(plan.decode[0].tokens_per_s, 16.5, 0.1 * 16.5);  // and 16.5 of a file of this size
  const MachinePlan alone = plan_with({.devices = {0}});
  EXPECT_EQ(alone.main.prompt_rate, plan.main.alone_rate);
  EXPECT_EQ(alone.first_tokens[2].seconds, plan.first_tokens[2].seconds);          // 128 tokens: no large step
  EXPECT_GT(alone.first_tokens[4].seconds, 1.3 * plan.first_tokens[4].seconds);    // 2048
  EXPECT_GT(plan.residency.main.weights[1], 1e9);  // what lies there twice
  EXPECT_THAT(plan.reasons[1], HasSubstr("npu: the products in the MLPs of"));
  EXPECT_THAT(plan.reasons[2], HasSubstr("cpu: joins gate and up in the MLPs of"));
  EXPECT_THAT(command_line(phoenix(), plan),
              testing::MatchesRegex("--device vulkan,npu --place [0-9+]+:mlp@256=npu,[0-9+]+:gated@256=cpu"));
}

TEST(Planner, LetsNobodyHelpWhoIsTooSlow) {
  Hardware machine = phoenix();
  for (size_t d : {1, 2}) {
    for (Speed& speed : machine.devices[d].speeds) {
      for (Speed::Point& point : speed.sizes[0].points) point.per_s /= 20;
    }
  }
  const MachinePlan plan = plan_on(machine);
  EXPECT_FALSE(plan.main.help);
  EXPECT_EQ(plan.main.devices, std::vector<size_t>{0});
}

TEST(Planner, LetsAnNpuHelpACpuThatIsAlone) {
  const MachinePlan plan = plan_with({.devices = {1, 2}});
  ASSERT_TRUE(plan.main.help);
  EXPECT_FALSE(plan.main.help->joins);
  EXPECT_THAT(command_line(phoenix(), plan), testing::MatchesRegex("--device npu,cpu --place linear=cpu,[0-9+]+:mlp@256=npu"));
}

TEST(Planner, LetsTheGpuDoAllWhereASecondLaneWouldReadPromptsLater) {
  const MachinePlan plan = plan_with(all_on_the_gpu());
  EXPECT_EQ(plan.main.devices, std::vector<size_t>{0});
  ASSERT_TRUE(plan.side);
  EXPECT_FALSE(plan.two_lanes);
  EXPECT_EQ(plan.side->lane.devices, (std::vector<size_t>{1, 2}));
  EXPECT_GT(plan.side->beside.first_token_mean_s, plan.side->alone.first_token_mean_s);
  EXPECT_LT(plan.side->beside.longest_gap_s, plan.side->alone.longest_gap_s);
  EXPECT_GT(plan.side->gain, 1.4);  // if both read
  EXPECT_LT(plan.side->gain, 1.8);
  EXPECT_NEAR(plan.main.prompt_rate, 302, 0.1 * 302);          // 254 to 321 were seen
  EXPECT_NEAR(plan.decode[0].tokens_per_s, 16.5, 0.1 * 16.5);  // and 16.5 of a file of this size
  EXPECT_THAT(plan.reasons[1], testing::AllOf(HasSubstr("npu: nothing: decoding is bound by the memory bus"),
                                              HasSubstr("first token after")));
  EXPECT_EQ(command_line(phoenix(), plan), "--device vulkan");
}

TEST(Planner, AddsASecondLaneWhereFirstTokensComeNoLaterWithIt) {
  const Hardware machine = phoenix_with_fast_cpu();
  const MachinePlan plan = plan_with(all_on_the_gpu(), machine);
  ASSERT_TRUE(plan.two_lanes);
  EXPECT_LE(plan.side->beside.first_token_mean_s, plan.side->alone.first_token_mean_s);
  EXPECT_THAT(plan.reasons[2], HasSubstr("of long prompts, all of which this lane reads"));
  EXPECT_EQ(command_line(machine, plan), "--device vulkan --prefill-device cpu");
}

TEST(Planner, CountsTheSecondLanesWeightsAndItsCacheForOnePrompt) {
  const Hardware machine = phoenix_with_fast_cpu();
  const MachinePlan plan = plan_with(all_on_the_gpu(), machine, 4);
  ASSERT_TRUE(plan.two_lanes);
  const Residency& r = plan.residency;
  EXPECT_GT(r.side->weights[2], 3e9);
  const double text = seven_billion().sizes(4096).cache_bytes[0] * 28;
  EXPECT_NEAR(r.side->caches[1] + r.side->caches[2], text, 1);  // of one prompt of the longest context, for 4 users too
  EXPECT_NEAR(r.main.caches[0], text, 1);
  Residency alone = r;
  alone.side.reset();
  EXPECT_NEAR(r.total() - alone.total(), r.side->weights[1] + r.side->weights[2] + text + r.side->working, 1);
  Hardware small = machine;  // room for both lanes' weights, but not for the second cache
  small.memory.bytes.value = r.total() + small.memory.reserved.value - small.memory.carved.value - text / 2;
  const MachinePlan one = plan_with(all_on_the_gpu(), small, 4);
  EXPECT_EQ(one.refusal, "");
  EXPECT_FALSE(one.two_lanes);
  EXPECT_THAT(one.side->refusal, HasSubstr("the second lane's weights"));
}

TEST(Planner, CountsAGpusOwnMemoryAndTheHostsApart) {
  Hardware machine = phoenix();
  machine.memory = {.bytes = {8e9, Source::assumed, ""}, .gtt = {}, .carved = {6e9, Source::assumed, ""},
                    .reserved = {6e9, Source::assumed, ""}};
  const MachinePlan plan = plan_on(machine);
  EXPECT_EQ(plan.refusal, "");  // 5 GB on the card; of the host's 2 only the table's, and what helps
  for (int device : plan.main.decode.device_of_op) EXPECT_EQ(device, 0);
  machine.memory.carved.value = 4e9;
  machine.memory.bytes.value = 64e9;
  EXPECT_NE(plan_on(machine).main.devices, std::vector<size_t>{0});  // the host's many do not count for the card
}

TEST(Planner, CountsMemoryAndRefusesWithNumbers) {
  Hardware machine = phoenix();
  machine.memory.bytes.value = 8e9;
  const MachinePlan small = plan_on(machine);
  EXPECT_THAT(small.refusal,
              testing::AllOf(HasSubstr("does not fit"), HasSubstr("8.00 GB of memory"), HasSubstr("weights 4.")));
  machine.memory.bytes.value = 12e9;  // once, but not a second time for the lane that would help
  machine.memory.gtt.value = 6e9;
  const MachinePlan once = plan_with(all_on_the_gpu(), machine);
  EXPECT_EQ(once.refusal, "");
  EXPECT_FALSE(once.two_lanes);
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
  EXPECT_LT(plan.residency.main.weights[0], 3e9);
  EXPECT_GT(plan.residency.main.weights[0], 1.5e9);
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
  const MachinePlan plan = plan_with({.pins = pins("linear=npu,3:attend=cpu")});
  const ops::Program program = seven_billion().trace(1, 1);
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const ops::Op& op = program.ops[i];
    EXPECT_EQ(plan.main.decode.device_of_op[i] == 1, op.kind == ops::OpKind::linear) << op.name;
    const bool is_cached = op.kind == ops::OpKind::attend || op.kind == ops::OpKind::kv_write;
    if (is_cached && layer_of(op.name) == 3) {
      EXPECT_EQ(plan.main.decode.device_of_op[i], 2) << op.name;
    }
  }
  EXPECT_EQ(command_line(phoenix(), plan), "");  // the user's own options say it
}

std::string refusal_of(const Wishes& wishes, const Hardware& machine = phoenix()) {
  try {
    plan_with(wishes, machine);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Planner, RefusesPinsThatTheMachineCannotKeep) {
  EXPECT_EQ(refusal_of({.pins = pins("attend=npu")}),
            "--place attend=npu: npu does not do layer.0.kv_write (kv_write); on vulkan and cpu it runs");
  EXPECT_THAT(refusal_of({.pins = pins("linear=npu,0=cpu")}), HasSubstr("contradict each other"));
}

TEST(Planner, UsesNoOtherDevicesThanTheUserLists) {
  const MachinePlan plan = plan_with({.devices = {1, 2}});
  EXPECT_FALSE(plan.main.has(0));
  EXPECT_THAT(plan.reasons[0], HasSubstr("vulkan: nothing: --device leaves it out"));
  EXPECT_EQ(plan_with({.devices = {2}}).main.devices, std::vector<size_t>{2});
  EXPECT_THAT(refusal_of({.devices = {1}}), HasSubstr("npu cannot do every operation"));
}

TEST(Planner, TakesTheSecondLaneThatTheUserWants) {
  const MachinePlan plan = plan_with({.prefill = {2}});
  ASSERT_TRUE(plan.two_lanes);  // whether it pays or not
  EXPECT_EQ(plan.side->lane.devices, std::vector<size_t>{2});
  EXPECT_GT(plan.residency.side->caches[2], 0);
  EXPECT_EQ(command_line(phoenix(), plan), "--device vulkan --prefill-device cpu");
  EXPECT_THAT(plan.reasons[1], HasSubstr("npu: nothing: --prefill-device leaves it out"));
  const MachinePlan twice = plan_with({.devices = {2}, .prefill = {2}});  // as the engine can: half of it each
  EXPECT_EQ(twice.side->slowed, (Slowed{0.5, 0.5}));
  EXPECT_NEAR(twice.residency.weights_on(2), 2 * twice.residency.main.weights[2], 1);
  EXPECT_THAT(refusal_of({.prefill = {1}}), HasSubstr("--prefill-device: npu cannot do every operation"));
  Hardware small = phoenix();
  small.memory.bytes.value = 10e9;
  EXPECT_THAT(plan_with({.prefill = {2}}, small).refusal, HasSubstr("the second lane's weights"));
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
