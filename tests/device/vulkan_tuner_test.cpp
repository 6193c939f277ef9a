// Which kernels are the fastest: what is measured, in which order and for how long, and what is kept. Time is told by the
// tests; no GPU is asked.
#include "device/vulkan/tuner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "device/vulkan/kept_file.h"
#include "files/scratch.h"

namespace troika::device::vulkan {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

TEST(VulkanFastest, IsTheFirstUnlessAnotherIsFasterByMoreThanTimesVary) {
  const auto chosen = [](std::vector<double> seconds) { return fastest(seconds); };
  EXPECT_EQ(chosen({1}), 0u);
  EXPECT_EQ(chosen({1, 2, 1.5}), 0u);
  EXPECT_EQ(chosen({1, 0.99, 1.5}), 0u);
  EXPECT_EQ(chosen({1, 0.9, 0.8, 0.85}), 2u);
}

const Measured kMeasured{{{"q4_k 64x64, 512 rows", "matmul_coop 1 2 0"}, {"q8_0 64x64, gated, 9 rows", "linear_int8.q8_0 3"}},
                         1.5e12};

TEST(VulkanMeasured, IsReadAsItWasWritten) {
  EXPECT_EQ(measured_of(text_of(kMeasured)), kMeasured);
  EXPECT_EQ(measured_of(""), Measured());
  for (const char* wrong : {"", "0", "-1", "1e", "nan", "inf", "fast"}) {
    EXPECT_EQ(measured_of(fmt::format("work per second = {}\n", wrong)), Measured()) << wrong;
  }
  EXPECT_EQ(measured_of("of a later version: 7\n\n" + text_of(kMeasured) + "cut o"), kMeasured);
}

Trial trial(std::string product, uint64_t work, uint32_t kernels = 3) {
  Trial made{.product = std::move(product), .work = work};
  for (uint32_t i = 0; i < kernels; ++i) made.candidates.push_back({{"shader", {i}}, {1, 1, 1}});
  return made;
}

class VulkanTuner : public testing::Test {
 protected:
  std::shared_ptr<MeasuredFile> file(uint64_t shaders = 7) const { return std::make_shared<MeasuredFile>(path_, shaders); }
  // Each trial takes a second; the last candidate is the fastest.
  Stopwatch stopwatch() {
    const auto seconds = [this](const Trial& trial) {
      measured_.push_back(trial.product);
      now_ += 1;
      std::vector<double> all(trial.candidates.size(), 2.0);
      all.back() = 1;
      return all;
    };
    return {seconds, [this] { return now_; }};
  }

  const files::Scratch folder_;
  const fs::path path_ = folder_ / "cache/some.measured";
  std::vector<std::string> measured_;  // in this order
  double now_ = 100;
};

TEST_F(VulkanTuner, MeasuresTheCostliestFirstAndLeavesTheRestToALaterStart) {
  const std::vector<Trial> trials{trial("small", 1), trial("large", 300), trial("middle", 20)};
  {
    Tuner tuner(file(), stopwatch(), 1.5);
    tuner.measure(trials);
    EXPECT_THAT(measured_, ElementsAre("large", "middle"));
    EXPECT_EQ(tuner.find("large", trials[1].candidates), 2u);
    EXPECT_EQ(tuner.find("small", trials[0].candidates), std::nullopt);
    tuner.measure({trial("of another bucket", 1000)});
    EXPECT_EQ(measured_.size(), 2u) << "one budget for all of a start";
  }
  Tuner later(file(), stopwatch(), 1.5);
  later.measure(trials);
  EXPECT_THAT(measured_, ElementsAre("large", "middle", "small"));
  EXPECT_EQ(later.find("middle", trials[2].candidates), 2u);
}

TEST_F(VulkanTuner, MeasuresAgainWhereWhatWasTheFastestIsNoCandidateAnyMore) {
  Tuner(file(), stopwatch()).measure({trial("product", 1)});
  const Trial fewer = trial("product", 1, 2);
  Tuner tuner(file(), stopwatch());
  EXPECT_EQ(tuner.find("product", fewer.candidates), std::nullopt);
  tuner.measure({fewer});
  EXPECT_EQ(tuner.find("product", fewer.candidates), 1u);
  EXPECT_EQ(measured_.size(), 2u);
}

TEST_F(VulkanTuner, LeavesWhatADriverRefusesToTheRuleButNotALostGpu) {
  const Trial some = trial("product", 1);
  Stopwatch refuses = stopwatch(), lost = stopwatch();
  refuses.seconds = [](const Trial&) -> std::vector<double> { throw Error("no such shader"); };
  lost.seconds = [](const Trial&) -> std::vector<double> { throw DeviceLost("gone"); };
  Tuner tuner(file(), refuses);
  tuner.measure({some});
  EXPECT_EQ(tuner.find("product", some.candidates), 0u);
  const Trial other = trial("other", 1);
  EXPECT_THROW(Tuner(file(), lost).measure({other}), DeviceLost);
  Tuner later(file(), stopwatch());
  later.measure({some, other});
  EXPECT_TRUE(measured_.empty()) << "neither is tried again";
  EXPECT_EQ(later.find("other", other.candidates), 0u);
}

TEST_F(VulkanTuner, KeepsWhatAnotherProcessMeasuredMeanwhile) {
  const auto one = file(), two = file();
  Tuner(one, stopwatch()).measure({trial("of one", 1)});
  Tuner(two, stopwatch()).measure({trial("of two", 1)});
  one->measured.work_per_second = 1e12;
  one->keep();
  Tuner(two, stopwatch()).measure({trial("and more", 1)});
  EXPECT_EQ(file()->measured.kernels.size(), 3u);
  EXPECT_EQ(file()->measured.work_per_second, 1e12);
}

TEST_F(VulkanTuner, ForgetsWhatWasMeasuredWithOtherShadersOrIsDamaged) {
  Tuner(file(), stopwatch()).measure({trial("product", 1)});
  EXPECT_EQ(file()->measured.kernels.size(), 1u);
  EXPECT_EQ(file(8)->measured, Measured());
  std::string bytes;
  {
    std::ifstream in(path_, std::ios::binary);
    bytes = {std::istreambuf_iterator<char>(in), {}};
  }
  bytes.back() ^= 1;
  std::ofstream(path_, std::ios::binary) << bytes;
  EXPECT_EQ(file()->measured, Measured());
}

TEST_F(VulkanTuner, GoesOnWhereNothingCanBeKept) {
  for (const fs::path& path : {fs::path(), folder_ / "taken" / "measured"}) {
    std::ofstream(folder_ / "taken") << "no folder";
    const Trial some = trial("product", 1);
    Tuner tuner(std::make_shared<MeasuredFile>(path, 7), stopwatch());
    tuner.measure({some});
    EXPECT_EQ(tuner.find("product", some.candidates), 2u);
  }
}

}  // namespace
}  // namespace troika::device::vulkan
