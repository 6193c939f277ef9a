#include "plan/targets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/published.h"

namespace troika::plan {
namespace {

// Of 80 % of the bus and 55 % of the matrix peak: DDR5, then LPDDR5X; docs/plan.md has the whole table.
struct Expected {
  const char* config;
  size_t row;
  double bits, one[2], drafter[2];
  int low[2], high[2];
  double eight[2], ceiling;
};
constexpr Expected kExpected[] = {
    {"qwen2.5-7b-instruct", 0, 4.5, {18, 24}, {41, 54}, {3, 2}, {5, 4}, {308, 363}, 646},
    {"qwen2.5-7b-instruct", 1, 3.15, {25, 34}, {58, 77}, {9, 7}, {14, 10}, {365, 377}, 646},
    {"qwen2.5-vl-7b-instruct", 0, 3.15, {25, 34}, {58, 77}, {7, 5}, {9, 7}, {365, 377}, 646},
    {"qwen2.5-14b-instruct", 0, 3.25, {12, 17}, {28, 38}, {12, 9}, {20, 14}, {181, 188}, 326},
    {"qwen2.5-32b-instruct", 0, 2.93, {6, 8}, {14, 18}, {16, 12}, {26, 18}, {82, 84}, 143},
    {"qwq-32b", 1, 2.93, {6, 8}, {14, 18}, {16, 12}, {26, 18}, {82, 84}, 143},
    {"gemma-2-2b-it", 0, 3.06, {68, 91}, {154, 206}, {9, 6}, {17, 10}, {889, 979}, 1746},
    {"gemma-2-9b-it", 0, 3.46, {17, 23}, {39, 52}, {19, 12}, {41, 21}, {237, 276}, 494},
    {"gemma-3-27b-it", 0, 2.37, {9, 12}, {20, 26}, {40, 22}, {0, 0}, {98, 101}, 169},
};

TEST(Targets, HaveTheLimitsThatArithmeticAndTheBusAllow) {
  for (const Expected& e : kExpected) {
    const Published model(e.config);
    for (int i : {0, 1}) {
      const Hardware machine = *built_in(built_in_names()[size_t(i)]);
      const auto rows = limits_of_targets(model.trace(1, 1), model.spec.family, machine.bounds);
      ASSERT_GT(rows.size(), e.row) << e.config;
      const TargetLimits& t = rows[e.row];
      EXPECT_NEAR(t.bits, e.bits, 0.01) << e.config;
      EXPECT_NEAR(t.one_stream, e.one[i], 0.55) << e.config;
      EXPECT_NEAR(t.one_with_drafter, e.drafter[i], 0.6) << e.config;
      EXPECT_EQ(t.users_for_low, e.low[i]) << e.config;
      EXPECT_EQ(t.users_for_high, e.high[i]) << e.config;
      EXPECT_NEAR(t.eight_with_drafter, e.eight[i], 0.01 * e.eight[i]) << e.config;
      EXPECT_NEAR(t.ceiling, e.ceiling, 0.01 * e.ceiling) << e.config;
    }
  }
}

TEST(Targets, AreSaidPlainly) {
  const Bounds bounds = built_in("phoenix-ddr5")->bounds;
  const auto verdict = [&](const char* config, size_t row) {
    const Published model(config);
    return limits_of_targets(model.trace(1, 1), model.spec.family, bounds).at(row).verdict();
  };
  EXPECT_EQ(verdict("qwen2.5-7b-instruct", 0), "40 with one stream and a drafter");
  EXPECT_EQ(verdict("qwen2.5-7b-instruct", 1),
            "no stream alone, the sum of 9 to 14 users; one stream reaches 25, 58 with a drafter");
  EXPECT_THAT(verdict("gemma-3-27b-it", 0),
              testing::StartsWith("150 as the sum of 40 users, 200 not at all: the ceiling is 1"));
  const Published other("qwen3-8b");
  EXPECT_TRUE(limits_of_targets(other.trace(1, 1), other.spec.family, bounds).empty());
}

}  // namespace
}  // namespace troika::plan
