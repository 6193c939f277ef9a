#include "plan/micro_batches.h"

#include <gtest/gtest.h>

#include "ops/builder.h"

namespace troika::plan {
namespace {

const SlowedBy kNotSlowed = [](int, int) { return 0.0; };

// Ops of the given seconds on each of two devices, which hand over for nothing.
PlacementCosts costs_of(std::vector<std::vector<double>> op_s) {
  PlacementCosts c{.op_s = std::move(op_s), .submit_s{0, 0}, .byte_s{{0, 0}, {0, 0}}};
  c.alive_bytes.assign(c.op_s.size(), 0);
  c.cache.assign(c.op_s.size(), kFree);
  return c;
}

TEST(BothSeconds, OfOneDeviceAreTwice) {
  const PlacementCosts c = costs_of({{1, 9}, {2, 9}});
  EXPECT_EQ(both_seconds(c, std::vector{0, 0}, kNotSlowed), 6);
}

TEST(BothSeconds, HideTheShorterOfTwoStretchesBehindTheLonger) {
  const PlacementCosts c = costs_of({{1, 9}, {9, 3}, {2, 9}});
  // 0: a | 1: b and a | 2: c and b | 3: c, of 1, 3 and 2 seconds.
  EXPECT_EQ(both_seconds(c, std::vector{0, 1, 0}, kNotSlowed), 1 + 3 + 3 + 2);
}

TEST(BothSeconds, CountHandingOverAndWhatDevicesLoseToEachOther) {
  PlacementCosts c = costs_of({{1, 9}, {9, 1}});
  c.submit_s = {0.5, 0.25};
  c.alive_bytes = {0, 100};
  c.byte_s = {{0, 0.01}, {0, 0}};
  EXPECT_EQ(both_seconds(c, std::vector{0, 1}, kNotSlowed), 1.5 + 2.25 + 2.25);
  const SlowedBy slowed = [](int device, int) { return device == 0 ? 0.5 : 0.0; };
  // Side by side: 1.5 seconds of work at half the speed for 2.25 seconds, and what is left alone.
  EXPECT_EQ(both_seconds(c, std::vector{0, 1}, slowed), 1.5 + 2.25 + (1.5 - 1.125) + 2.25);
}

// Layers of a norm and a product.
ops::Program layers(int count) {
  ops::Builder b(8, 1);
  ops::Tensor x = b.embed("embed", 50, 32);
  for (int layer = 0; layer < count; ++layer) {
    auto scope = b.scope("layer." + std::to_string(layer));
    x = b.linear(b.rms_norm(x, "norm", 1e-6f), "w", 32);
  }
  return b.finish(b.linear(b.pick_rows(x), "head", 50));
}

// A norm takes the first device 1 second, a product it takes `first` seconds and the second device `second`.
PlacementCosts costs_of(const ops::Program& program, double first, double second) {
  std::vector<std::vector<double>> op_s;
  for (const ops::Op& op : program.ops) {
    if (op.kind == ops::OpKind::linear) op_s.push_back({first, second});
    else op_s.push_back({1, kNever});
  }
  return costs_of(std::move(op_s));
}

TEST(BestSpread, GivesAnEquallyFastHelperHalfOfTheLayersInTurn) {
  const ops::Program program = layers(8);
  const PlacementCosts c = costs_of(program, 20, 20);
  const std::vector<int> base(program.ops.size(), 0);
  const auto spread = best_spread(program, c, base, 1, kNotSlowed, 8);
  ASSERT_TRUE(spread);
  EXPECT_EQ(spread->layers, (std::vector{1, 3, 5, 7}));
  EXPECT_LT(spread->seconds, 0.65 * both_seconds(c, base, kNotSlowed));
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const int layer = program.ops[i].kind == ops::OpKind::linear && program.ops[i].name.starts_with("layer.")
                          ? program.ops[i].name[6] - '0' : -1;
    EXPECT_EQ(spread->device_of_op[i], layer % 2 == 1) << program.ops[i].name;
  }
}

TEST(BestSpread, GivesASlowHelperFewLayersAndOneThatIsTooSlowOnlyWhatHarmsLeast) {
  const ops::Program program = layers(8);
  const std::vector<int> base(program.ops.size(), 0);
  const PlacementCosts slow = costs_of(program, 20, 70);
  EXPECT_LE(best_spread(program, slow, base, 1, kNotSlowed, 8)->layers.size(), 3u);
  const PlacementCosts too_slow = costs_of(program, 20, 1000);
  EXPECT_GT(best_spread(program, too_slow, base, 1, kNotSlowed, 8)->seconds, both_seconds(too_slow, base, kNotSlowed));
}

TEST(BestSpread, IsNoneWhereTheHelperDoesNoProducts) {
  const ops::Program program = layers(2);
  EXPECT_FALSE(best_spread(program, costs_of(program, 20, kNever), std::vector<int>(program.ops.size(), 0), 1, kNotSlowed, 2));
}

// No spread of any set of layers that the search did not look at is much faster.
TEST(BestSpread, IsNearTheBestOfAllSetsOfLayers) {
  const ops::Program program = layers(8);
  const std::vector<int> base(program.ops.size(), 0);
  for (double second : {10.0, 20.0, 30.0, 50.0, 90.0}) {
    const PlacementCosts c = costs_of(program, 20, second);
    double best = kNever;
    for (unsigned mask = 1; mask < 256; ++mask) {
      std::vector<int> device_of_op = base;
      for (size_t i = 0; i < program.ops.size(); ++i) {
        const std::string& name = program.ops[i].name;
        if (program.ops[i].kind == ops::OpKind::linear && name.starts_with("layer.") && mask >> (name[6] - '0') & 1) {
          device_of_op[i] = 1;
        }
      }
      best = std::min(best, both_seconds(c, device_of_op, kNotSlowed));
    }
    EXPECT_LE(best_spread(program, c, base, 1, kNotSlowed, 8)->seconds, 1.1 * best) << second;
  }
}

}  // namespace
}  // namespace troika::plan
