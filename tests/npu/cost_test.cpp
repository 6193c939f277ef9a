// The cost model against what others measured on XDNA1, and against the arithmetic of one prefill.
#include "npu/cost/cost.h"

#include <gtest/gtest.h>

namespace troika::npu {
namespace {

constexpr double kInt8 = 256, kInt16 = 64;  // products a cycle

Calibration with(double efficiency) {
  Calibration calibration;
  calibration.efficiency = efficiency;
  return calibration;
}

double tops_of(const TileWork& work, const GemmShape& shape, const Calibration& calibration) {
  return tops(shape, estimate(work, shape, calibration).seconds());
}

TEST(Cost, LandsOnThePublishedInt8Figure) {  // 6.76 TOPS: arXiv 2512.13282, large balanced sizes
  EXPECT_NEAR(tops_of(work_of(96, 64, 96, 1, kInt8), {4608, 4608, 4608}, with(0.85)), 6.76, 0.15 * 6.76);
}

TEST(Cost, LandsOnThePublishedBf16Figure) {  // 3.14 TOPS, same source
  EXPECT_NEAR(tops_of(work_of(kBf16Wide), {4608, 4608, 4608}, with(0.80)), 3.14, 0.15 * 3.14);
}

TEST(Cost, OfInt16IsTwiceThatOfInt8) {
  const GemmShape shape{4096, 4096, 4096};
  double int8 = estimate(work_of(kW8A8), shape, Calibration{}).seconds();
  EXPECT_NEAR(estimate(work_of(kW8A16), shape, Calibration{}).seconds(), 2 * int8, 0.1 * int8);
}

// Four columns read 4 bytes a cycle each.
TEST(Cost, OfFewRowsIsThatOfReadingTheirWeights) {
  const GemmShape shape{16, 18944, 3584};
  double bytes = double(shape.n) * shape.k * kW4A8Few.b_bytes() / (kW4A8Few.n * kW4A8Few.k);
  double seconds = estimate(work_of(kW4A8Few), shape, Calibration{}).seconds();
  EXPECT_NEAR(seconds, bytes / 16e9, 0.1 * seconds);
  EXPECT_GT(estimate(work_of(kW4A8), {256, shape.n, shape.k}, Calibration{}).seconds(), 3 * seconds);
}

TEST(Cost, OfAnEmptyRunIsTheLaunch) {  // 45 µs for an empty run, 60 for a tiny kernel: mlir-aie issue 2381
  double seconds = estimate(work_of(kW4A8), {0, 0, 0}, Calibration{}).seconds();
  EXPECT_GE(seconds, 45e-6);
  EXPECT_LE(seconds, 60e-6);
}

// Launches from Python took 0.3 to 0.4 ms; these bound the model loosely.
TEST(Cost, IsNearAGemmThatRanFromPython) {
  Calibration calibration;
  calibration.launch_us = 350;
  TileWork work = work_of(64, 64, 32, 2, kInt16);
  double small = tops_of(work, {512, 512, 512}, calibration), large = tops_of(work, {4096, 512, 512}, calibration);
  EXPECT_GT(small, 0.265 / 2);
  EXPECT_LT(small, 0.265 * 2);
  EXPECT_GT(large, 0.553 * 0.85);
  EXPECT_LT(large, 0.771 * 1.15);
}

// The linears of Qwen2.5-7B over 512 tokens, in four runs a layer: against sums made by hand, of products, unpacking and
// launches alone; the model has the way of C besides.
TEST(Cost, OfAPrefillIsTheSumOfItsParts) {
  const GemmShape layer[] = {{512, 4608, 3584}, {512, 3584, 3584}, {512, 37888, 3584}, {512, 3584, 18944}};
  const struct { double efficiency, seconds; } cases[] = {{0.35, 2.49}, {0.6, 1.52}, {0.85, 1.12}};
  for (auto [efficiency, expected] : cases) {
    double seconds = 0;
    for (const GemmShape& shape : layer) seconds += 28 * estimate(work_of(kW4A8), shape, with(efficiency)).seconds();
    EXPECT_NEAR(seconds, expected, 0.15 * expected) << efficiency;
  }
}

TEST(Cost, OfAChainedRunHasAShorterLaunch) {
  EXPECT_DOUBLE_EQ(estimate(work_of(kW4A8), {0, 0, 0}, Calibration{}, Launch::chained).seconds(), 28e-6);
}

TEST(Cost, IsBoundByMemoryWhereThatIsSlow) {
  Calibration slow;
  slow.read_gb_s = 1;
  GemmShape shape{256, 512, 4096};
  double bytes = 4096.0 * (256 + 512 * 0.53125);
  Estimate bound = estimate(work_of(kW4A8), shape, slow);
  EXPECT_GT(bound.memory_s, bound.array_s);
  EXPECT_NEAR(bound.memory_s, bytes / 1e9, 1e-9);
}

}  // namespace
}  // namespace troika::npu
