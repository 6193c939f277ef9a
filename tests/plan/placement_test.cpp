#include "plan/placement.h"

#include <gtest/gtest.h>

#include <random>

#include "ops/builder.h"

namespace troika::plan {
namespace {

double between(std::mt19937& random, double low, double high) { return std::uniform_real_distribution(low, high)(random); }

// Costs of nobody's machine; caches are used by two to four ops here and there, some devices cannot.
PlacementCosts any_costs(std::mt19937& random, size_t ops, size_t devices) {
  PlacementCosts c{.submit_s = std::vector<double>(devices), .alive_bytes = std::vector<double>(ops),
                   .cache = std::vector<int>(ops, kFree)};
  for (double& s : c.submit_s) s = between(random, 0, 2);
  for (size_t d = 0; d < devices; ++d) c.byte_s.push_back(std::vector<double>(devices, between(random, 0, 1)));
  for (size_t i = 0; i < ops; ++i) {
    std::vector<double>& s = c.op_s.emplace_back();
    for (size_t d = 0; d < devices; ++d) s.push_back(random() % 8 == 0 ? kNever : between(random, 0, 3));
    c.alive_bytes[i] = between(random, 0, 3);
    if (random() % 2 == 0) c.cache[i] = int(random() % 3);
  }
  return c;
}

Placement by_brute_force(const PlacementCosts& c) {
  Placement best;
  std::vector<int> placement(c.op_s.size(), 0);
  for (;;) {
    const double seconds = seconds_of(c, placement);
    if (seconds < best.seconds) best = {placement, seconds};
    size_t i = 0;
    while (i < placement.size() && ++placement[i] == int(c.devices())) placement[i++] = 0;
    if (i == placement.size()) return best;
  }
}

TEST(Placement, CostsWhatBruteForceFindsOnTwoDevices) {
  std::mt19937 random(11);
  int possible = 0;
  for (int i = 0; i < 300; ++i) {
    const PlacementCosts c = any_costs(random, 1 + random() % 10, 2);
    const Placement found = cheapest(c), best = by_brute_force(c);
    if (best.seconds == kNever) {
      EXPECT_EQ(found.seconds, kNever) << i;
      continue;
    }
    ++possible;
    EXPECT_NEAR(found.seconds, best.seconds, 1e-9) << i;
    EXPECT_NEAR(seconds_of(c, found.device_of_op), found.seconds, 1e-9) << i;
  }
  EXPECT_GT(possible, 100);
}

TEST(Placement, CostsWhatBruteForceFindsOnThreeDevices) {
  std::mt19937 random(12);
  for (int i = 0; i < 60; ++i) {
    const PlacementCosts c = any_costs(random, 1 + random() % 7, 3);
    const double best = by_brute_force(c).seconds;
    if (best < kNever) EXPECT_NEAR(cheapest(c).seconds, best, 1e-9) << i;
    else EXPECT_EQ(cheapest(c).seconds, kNever) << i;
  }
}

TEST(Placement, KeepsAPinAndSaysWhereNoneIsPossible) {
  PlacementCosts c{.op_s = {{1, 5}, {1, 5}, {kNever, 5}},
                   .submit_s = {0, 0},
                   .byte_s = {{0, 0}, {0, 0}},
                   .alive_bytes = {0, 0, 0},
                   .cache = {0, kFree, 0}};
  EXPECT_EQ(cheapest(c).device_of_op, (std::vector{1, 0, 1}));  // the cache's other op goes along
  c.op_s[0][1] = kNever;
  EXPECT_EQ(cheapest(c).seconds, kNever);
}

TEST(Placement, PaysForEachStretchAndForWhatCrosses) {
  const PlacementCosts c{.op_s = {{1, 5}, {7, 2}},
                         .submit_s = {10, 20},
                         .byte_s = {{0, 3}, {4, 0}},
                         .alive_bytes = {0, 2},
                         .cache = {kFree, kFree}};
  EXPECT_DOUBLE_EQ(seconds_of(c, std::vector{0, 1}), 10 + 1 + 20 + 2 * 3 + 2);
  EXPECT_DOUBLE_EQ(seconds_of(c, std::vector{0, 0}), 10 + 1 + 7);
  EXPECT_DOUBLE_EQ(cheapest(c).seconds, 18);
}

TEST(Placement, CountsWhatIsAliveBetweenOps) {
  ops::Builder b(2, 1);
  ops::Tensor x = b.features(8);                              // 64 bytes
  ops::Tensor y = b.add(b.slice(x, 0, 4), b.slice(x, 4, 4));  // 32 each
  const ops::Program p = b.finish(b.pick_rows(y));
  EXPECT_EQ(alive_bytes(p), (std::vector<double>{0, 64, 96, 64, 32}));
}

}  // namespace
}  // namespace troika::plan
