#include "plan/lanes.h"

#include <gtest/gtest.h>

namespace troika::plan {
namespace {

constexpr Slowed kFifteenPercent{0.15, 0.15};
constexpr double kPrompt = 512;
constexpr int kMany = 400;

double gain(double first, double second, const Slowed& slowed = kFifteenPercent) {
  return prompt_gain({first / kPrompt, second / kPrompt}, slowed, kMany);
}

// A Radeon 780M beside the NPU, Qwen2.5-7B, tokens of prompts a second: docs/plan.md has the table and where it is from.
TEST(Lanes, TogetherReadPromptsAsMuchFasterAsTheTableSays) {
  EXPECT_NEAR(gain(302, 206), 1.43, 0.005);
  EXPECT_NEAR(gain(302, 337), 1.80, 0.005);
  EXPECT_NEAR(gain(302, 458), 2.1, 0.05);
  EXPECT_NEAR(gain(450, 206), 1.24, 0.005);
  EXPECT_NEAR(gain(450, 337), 1.49, 0.005);
  EXPECT_NEAR(gain(450, 458), 1.7, 0.05);
  EXPECT_NEAR(kPrompt / 302 / gain(302, 206), 1.19, 0.005);  // seconds to the first token
  EXPECT_NEAR(kPrompt / 302 / gain(302, 337), 0.94, 0.005);
}

TEST(Lanes, GainNothingTogetherWhereTheSecondIsSlowerThanWhatItTakes) {
  EXPECT_LT(gain(302, 0.17 * 302), 1.01);  // 0.15 / 0.85 of the first one's speed
  EXPECT_GT(gain(302, 0.20 * 302), 1.01);
  EXPECT_NEAR(gain(302, 0), 1, 1e-9);
  EXPECT_EQ(prompt_gain({1, 0.1}, kFifteenPercent, 1), 1);  // lane 0 would be done first
  EXPECT_NEAR(gain(302, 302, {}), 2, 0.01);
}

// A step of lane 0: 60 ms for answers, 302 tokens a second of prompts.
double step_s(int users, int prompt_tokens) { return (users > 0 ? 0.06 : 0) + prompt_tokens / 302.0; }

TEST(Lanes, KeepAnswersGoingWhileTheSecondReadsEveryPrompt) {
  const Burst burst;
  const Met alone = one_lane(burst, step_s);
  const Met together = two_lanes(burst, step_s, 206, kFifteenPercent);
  EXPECT_GT(alone.longest_gap_s, 1.7);  // a step with a whole chunk of a prompt
  const double longest_step = 0.06 + 32 / 302.0;  // with the last page of a prompt
  EXPECT_LT(together.longest_gap_s, longest_step / 0.85 + 1e-9);
  EXPECT_NEAR(alone.first_token_last_s, 8 * 512 / 302.0 + 8 * 0.06, 0.2);
  // The second lane alone reads them, the first prompt while nobody is answered: so it is slower, not faster.
  const double one = 480 / 206.0;
  EXPECT_NEAR(together.first_token_last_s, one + 7 * one / 0.85 + 2 * longest_step, 0.4);
  EXPECT_GT(together.first_token_mean_s, alone.first_token_mean_s);
  EXPECT_LT(two_lanes(burst, step_s, 412, kFifteenPercent).first_token_mean_s, alone.first_token_mean_s);
}

TEST(Lanes, ReadOnePromptAfterTheOtherAndItsLastPageInTheFirst) {
  const Burst burst{.users = 1, .prompt = 1024, .answer = 10};
  const Met alone = one_lane(burst, step_s);
  EXPECT_NEAR(alone.first_token_mean_s, 1024 / 302.0, 1e-9);
  EXPECT_NEAR(alone.all_done_s, 1024 / 302.0 + 9 * 0.06, 1e-9);
  const Met together = two_lanes(burst, step_s, 206, kFifteenPercent);
  EXPECT_NEAR(together.first_token_mean_s, 992 / 206.0 + 32 / 302.0, 1e-9);
  EXPECT_NEAR(together.all_done_s, 992 / 206.0 + 32 / 302.0 + 9 * 0.06, 1e-9);
  const Met two = two_lanes({.users = 2, .prompt = 1024, .answer = 1, .hand_over_s = 0.5}, step_s, 206, {});
  EXPECT_NEAR(two.first_token_last_s, 2 * (992 / 206.0 + 0.5) + 32 / 302.0, 1e-9);
}

TEST(Lanes, AloneCutPromptsWhileOthersAreAnswered) {
  const Burst burst{.chunk_beside = 64};
  const Met cut = one_lane(burst, step_s);
  EXPECT_LT(cut.longest_gap_s, 0.06 + 64 / 302.0 + 1e-9);
  EXPECT_GT(cut.first_token_mean_s, one_lane({}, step_s).first_token_mean_s);
}

TEST(Lanes, AreSlowOnlyWhileBothWork) {
  int begun[] = {0, 0};
  const LaneWork work{
      .begin = [&](int lane, double) { return begun[lane]++ ? std::nullopt : std::optional(lane == 0 ? 1.0 : 0.25); },
      .end = [](int, double) {}};
  EXPECT_DOUBLE_EQ(run_lanes({0.5, 0.5}, work), 0.5 + 0.75);  // half a second together, the rest alone
}

}  // namespace
}  // namespace troika::plan
