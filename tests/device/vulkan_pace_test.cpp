// How steps are cut into submissions, and how a GPU's rate is learned. Times are made up; no GPU is asked.
#include "device/vulkan/pace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace troika::device::vulkan {
namespace {

using testing::ElementsAre;

std::vector<size_t> cuts(std::vector<uint64_t> works, uint64_t most) { return cut(works, most); }

TEST(VulkanPace, CutsWhereTheNextDispatchWouldBeTooMuch) {
  EXPECT_THAT(cuts({}, 10), ElementsAre(0));
  EXPECT_THAT(cuts({4, 4, 4, 4}, UINT64_MAX), ElementsAre(0));
  EXPECT_THAT(cuts({4, 4, 4, 4}, 8), ElementsAre(0, 2));
  EXPECT_THAT(cuts({4, 4, 4, 4}, 11), ElementsAre(0, 2));
  EXPECT_THAT(cuts({30, 4, 30, 30}, 10), ElementsAre(0, 1, 2, 3)) << "a dispatch is not cut";
  EXPECT_THAT(cuts({UINT64_MAX, 1}, 10), ElementsAre(0, 1));
}

TEST(VulkanPace, LeavesDispatchesWithoutWorkToTheOneBeforeThem) {
  EXPECT_THAT(cuts({0, 4, 0, 0, 4, 0}, 4), ElementsAre(0, 4));
  EXPECT_THAT(cuts({0, 30, 0, 0, 10}, 10), ElementsAre(0, 2)) << "unless that is too much by itself";
  EXPECT_THAT(cuts({4, 4}, 0), ElementsAre(0, 1));
}

TEST(VulkanPace, GoesByTheKindOfGpuUntilItKnowsMore) {
  EXPECT_EQ(learned({}, {}), std::nullopt);
  const Submission tiny{1'000'000, 0.001};
  EXPECT_EQ(learned({}, {&tiny, 1}), std::nullopt) << "so short a step says little";
  EXPECT_LT(most_work(GpuKind::integrated, {}), most_work(GpuKind::discrete, {}));
  EXPECT_EQ(most_work(GpuKind::integrated, 1e12), 20'000'000'000u);
}

TEST(VulkanPace, FallsAtOnceAndRisesLittleByLittle) {
  const std::vector<Submission> step{{200, 0.02}, {100, 0.02}, {1, 0.002}};  // in one second 10,000, 5,000; 500 of the rest
  EXPECT_EQ(learned({}, step), 5000);
  EXPECT_EQ(learned(8000, step), 5000);
  const double higher = *learned(1000, step);
  EXPECT_GT(higher, 1000);
  EXPECT_LT(higher, 2000);
}

// A step as recorded for a rate, on a GPU that has another.
std::vector<Submission> run(const std::vector<uint64_t>& works, uint64_t most, double true_rate) {
  std::vector<size_t> begins = cut(works, most);
  begins.push_back(works.size());
  std::vector<Submission> step;
  for (size_t i = 0; i + 1 < begins.size(); ++i) {
    const uint64_t work = std::accumulate(works.begin() + ptrdiff_t(begins[i]), works.begin() + ptrdiff_t(begins[i + 1]), 0ull);
    step.push_back({work, double(work) / true_rate, int(begins[i + 1] - begins[i])});
  }
  return step;
}

TEST(VulkanPace, IsRightAfterOneStepHoweverWrongTheRateWas) {
  constexpr double kTrue = 1e12;
  std::vector<uint64_t> works;
  for (int layer = 0; layer < 30; ++layer) works.insert(works.end(), {4'000'000'000, 0, 1'000'000'000, 0, 15'000'000'000});
  for (double wrong : {kTrue * 1000, kTrue * 10, kTrue * 3}) {
    std::optional<double> rate = wrong;
    const std::vector<Submission> first = run(works, most_work(GpuKind::integrated, rate), kTrue);
    EXPECT_TRUE(has_too_long(first)) << wrong;
    rate = learned(rate, first);
    const std::vector<Submission> second = run(works, most_work(GpuKind::integrated, rate), kTrue);
    EXPECT_FALSE(has_too_long(second)) << wrong;
    EXPECT_GT(second.size(), first.size());
  }
}

TEST(VulkanPace, LeavesSingleDispatchesAsLongAsTheyAre) {
  EXPECT_TRUE(has_too_long({{{.work = 1, .seconds = 0.06, .dispatches = 2}}}));
  EXPECT_FALSE(has_too_long({{{.work = 1, .seconds = 0.06, .dispatches = 1}}}));
}

TEST(VulkanPace, FindsACutFarTooFineWhenTheRateHasRisen) {
  EXPECT_FALSE(is_far_too_fine(100, 399));
  EXPECT_TRUE(is_far_too_fine(99, 400));
  EXPECT_FALSE(is_far_too_fine(UINT64_MAX, 400));
}

TEST(VulkanPace, ApproachesTheRateOfAFastGpu) {
  constexpr double kTrue = 1e14;
  const std::vector<uint64_t> works(200, 20'000'000'000);
  std::optional<double> rate = 1e12;
  for (int step = 0; step < 50; ++step) rate = learned(rate, run(works, most_work(GpuKind::discrete, rate), kTrue));
  EXPECT_NEAR(*rate, kTrue, kTrue / 50);
  EXPECT_FALSE(has_too_long(run(works, most_work(GpuKind::discrete, rate), kTrue)));
}

}  // namespace
}  // namespace troika::device::vulkan
