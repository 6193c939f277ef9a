#include "plan/micro_batches.h"

#include <gtest/gtest.h>

#include <algorithm>

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
  EXPECT_EQ(both_seconds(c, std::vector{0, 0}, 0, kNotSlowed), 6);
}

TEST(BothSeconds, HideTheShorterOfTwoStretchesBehindTheLonger) {
  const PlacementCosts c = costs_of({{1, 9}, {9, 3}, {2, 9}});
  // 0: a | 1: b and a | 2: c and b | 3: c, of 1, 3 and 2 seconds.
  EXPECT_EQ(both_seconds(c, std::vector{0, 1, 0}, 0, kNotSlowed), 1 + 3 + 3 + 2);
}

TEST(BothSeconds, TakeWhatTheOthersDoBetweenTwoStretchesOfTheFrontDeviceAsOne) {
  PlacementCosts c = costs_of({{8, 9, 9}, {9, 3, 9}, {9, 9, 1}, {9, 3, 9}, {8, 9, 9}});
  c.submit_s = {0, 0, 0};
  c.byte_s = {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
  EXPECT_EQ(both_seconds(c, std::vector{0, 1, 2, 1, 0}, 0, kNotSlowed), 8 + 8 + 8 + 8);
}

TEST(BothSeconds, CountHandingOverAndWhatDevicesLoseToEachOther) {
  PlacementCosts c = costs_of({{1, 9}, {9, 1}});
  c.submit_s = {0.5, 0.25};
  c.alive_bytes = {0, 100};
  c.byte_s = {{0, 0.01}, {0, 0}};
  EXPECT_EQ(both_seconds(c, std::vector{0, 1}, 0, kNotSlowed), 1.5 + 2.25 + 2.25);
  const SlowedBy slowed = [](int device, int) { return device == 0 ? 0.5 : 0.0; };
  // Side by side: 1.5 seconds of work at half the speed for 2.25 seconds, and what is left alone.
  EXPECT_EQ(both_seconds(c, std::vector{0, 1}, 0, slowed), 1.5 + 2.25 + (1.5 - 1.125) + 2.25);
}

// Layers of a norm, a product and an MLP.
ops::Program layers(int count) {
  ops::Builder b(8, 1);
  ops::Tensor x = b.embed("embed", 50, 32);
  for (int layer = 0; layer < count; ++layer) {
    auto scope = b.scope("layer." + std::to_string(layer));
    x = b.linear(b.rms_norm(x, "norm", 1e-6f), "attn.out", 32);
    const ops::Tensor gate = b.linear(x, "mlp.gate", 64), up = b.linear(x, "mlp.up", 64);
    x = b.linear(b.gated(ops::Activation::silu, gate, up), "mlp.down", 32);
  }
  return b.finish(b.linear(b.pick_rows(x), "head", 50));
}

// An op takes the first device 1 second, a product `first` seconds; the second device takes `second` and does no others.
PlacementCosts costs_of(const ops::Program& program, double first, double second) {
  std::vector<std::vector<double>> op_s;
  for (const ops::Op& op : program.ops) {
    if (op.kind == ops::OpKind::linear) op_s.push_back({first, second, kNever});
    else op_s.push_back({1, kNever, 1});
  }
  PlacementCosts c = costs_of(std::move(op_s));
  c.submit_s = {0, 0, 0};
  c.byte_s = {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
  return c;
}

const Help kByTheSecond{.device = 1, .joins = 2, .layers = {}};

TEST(BestHelp, GivesAnEquallyFastDeviceThatMultipliesWhatKeepsBothBusy) {
  const ops::Program program = layers(8);
  const PlacementCosts c = costs_of(program, 20, 20);
  const std::vector<int> base(program.ops.size(), 0);
  const auto best = best_help(program, c, base, kByTheSecond, 0, kNotSlowed, 8);
  ASSERT_TRUE(best);
  EXPECT_GE(best->help.layers.size(), 4u);
  EXPECT_LT(best->seconds, 0.7 * both_seconds(c, base, 0, kNotSlowed));
  for (const ops::Op& op : program.ops) {
    const bool is_in = op.name.starts_with("layer.") && std::ranges::count(best->help.layers, op.name[6] - '0') > 0;
    const auto device = best->help.device_of(op);
    if (!is_in || op.kind == ops::OpKind::rms_norm || op.name.ends_with("out")) EXPECT_FALSE(device) << op.name;
    else EXPECT_EQ(device, op.kind == ops::OpKind::linear ? 1 : 2) << op.name;
  }
}

TEST(BestHelp, GivesASlowDeviceFewLayersAndOneThatIsTooSlowOnlyWhatHarmsLeast) {
  const ops::Program program = layers(8);
  const std::vector<int> base(program.ops.size(), 0);
  EXPECT_LE(best_help(program, costs_of(program, 20, 80), base, kByTheSecond, 0, kNotSlowed, 8)->help.layers.size(), 3u);
  const PlacementCosts too_slow = costs_of(program, 20, 3000);
  EXPECT_GT(best_help(program, too_slow, base, kByTheSecond, 0, kNotSlowed, 8)->seconds,
            both_seconds(too_slow, base, 0, kNotSlowed));
}

TEST(BestHelp, IsNoneWhereTheDeviceDoesNoProductsOrNobodyJoins) {
  const ops::Program program = layers(2);
  const std::vector<int> base(program.ops.size(), 0);
  EXPECT_FALSE(best_help(program, costs_of(program, 20, kNever), base, kByTheSecond, 0, kNotSlowed, 2));
  EXPECT_FALSE(best_help(program, costs_of(program, 20, 20), base, {.device = 1, .joins = 1, .layers = {}}, 0, kNotSlowed, 2));
}

// No set of layers that the search did not look at is much faster.
TEST(BestHelp, IsNearTheBestOfAllSetsOfLayers) {
  const ops::Program program = layers(8);
  const std::vector<int> base(program.ops.size(), 0);
  for (double second : {10.0, 20.0, 30.0, 50.0, 90.0}) {
    const PlacementCosts c = costs_of(program, 20, second);
    double best = kNever;
    for (unsigned mask = 1; mask < 256; ++mask) {
      Help help = kByTheSecond;
      for (int layer = 0; layer < 8; ++layer) {
        if (mask >> layer & 1) help.layers.push_back(layer);
      }
      std::vector<int> device_of_op = base;
      for (size_t i = 0; i < program.ops.size(); ++i) {
        if (const auto device = help.device_of(program.ops[i])) device_of_op[i] = int(*device);
      }
      best = std::min(best, both_seconds(c, device_of_op, 0, kNotSlowed));
    }
    EXPECT_LE(best_help(program, c, base, kByTheSecond, 0, kNotSlowed, 8)->seconds, 1.1 * best) << second;
  }
}

}  // namespace
}  // namespace troika::plan
