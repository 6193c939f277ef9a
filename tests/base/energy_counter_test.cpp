#include "base/energy_counter.h"

#include <gmock/gmock.h>

#include "base/made_up_machine.h"
#include "files/scratch.h"

namespace troika::platform {
namespace {

using namespace std::chrono_literals;

class EnergyCounterTest : public testing::Test {
 protected:
  std::optional<Energy> read_at(std::string_view microjoules, std::chrono::nanoseconds later) {
    put(zone / "energy_uj", microjoules);
    return counter.read(now += later);
  }

  files::Scratch scratch;
  const std::filesystem::path zone = scratch / "sys/class/powercap/intel-rapl:0";
  EnergyCounter counter{zone};
  EnergyCounter::Clock::time_point now = EnergyCounter::Clock::now();
};

TEST_F(EnergyCounterTest, TellsTheDifferenceOfTwoLooks) {
  EXPECT_FALSE(read_at("5000000", 1s)) << "one look is no difference";
  const auto spent = read_at("29000000", 2s);
  ASSERT_TRUE(spent);
  EXPECT_DOUBLE_EQ(spent->joules, 24);
  EXPECT_DOUBLE_EQ(spent->seconds, 2);
}

TEST_F(EnergyCounterTest, GoesRoundAgainAndAgainWithoutLosingAMicrojoule) {
  put(zone / "max_energy_range_uj", "65532610987");
  constexpr uint64_t kRange = 65532610987, kStep = 7000000019;
  uint64_t all = 65000000000;
  read_at(std::to_string(all % kRange), 1s);
  double joules = 0;
  for (int i = 0; i < 100; ++i) joules += read_at(std::to_string((all += kStep) % kRange), 60s).value().joules;
  EXPECT_NEAR(joules, 100 * double(kStep) * 1e-6, 1e-6 * 100);
}

TEST_F(EnergyCounterTest, ACounterThatBeganAnewTellsNothing) {
  put(zone / "max_energy_range_uj", "65532610987");
  read_at("40000000000", 1s);
  EXPECT_FALSE(read_at("1000000", 1s)) << "25 kW";
  EXPECT_DOUBLE_EQ(read_at("3000000", 1s).value().joules, 2) << "and goes on from there";
}

TEST_F(EnergyCounterTest, WithoutARangeItCannotHaveGoneRound) {
  read_at("900", 1s);
  EXPECT_FALSE(read_at("100", 1s));
}

TEST_F(EnergyCounterTest, ALongTimeMayHaveSeenItGoRoundTwice) {
  read_at("1000000", 1s);
  EXPECT_FALSE(read_at("2000000", 11min));
  EXPECT_TRUE(read_at("3000000", 9min));
}

TEST_F(EnergyCounterTest, ALookOfBeforeChangesNothing) {
  read_at("1000000", 1s);
  EXPECT_FALSE(read_at("5000000", -1s));
  EXPECT_DOUBLE_EQ(read_at("6000000", 2s).value().joules, 5);
}

TEST_F(EnergyCounterTest, WhatIsNotReadableAnyMoreBeginsAnew) {
  read_at("1000000", 1s);
  EXPECT_FALSE(read_at("", 1s));
  EXPECT_FALSE(read_at("2000000", 1s));
  EXPECT_TRUE(read_at("3000000", 1s));
}

TEST(PackageCounters, AreOfPackagesAloneAndEachOnce) {
  const files::Scratch scratch;
  const auto powercap = scratch / "sys/class/powercap";
  for (const auto& [zone, name] : {std::pair{"intel-rapl:0", "package-0"},
                                   {"intel-rapl:0:0", "core"},
                                   {"intel-rapl:0:1", "uncore"},
                                   {"intel-rapl:1", "package-1"},
                                   {"intel-rapl:2", "psys"},
                                   {"intel-rapl-mmio:0", "package-0"}})
    put(powercap / zone / "name", name);
  std::vector<std::filesystem::path> zones;
  for (const EnergyCounter& counter : package_counters(scratch.path())) zones.push_back(counter.zone().filename());
  EXPECT_THAT(zones, testing::ElementsAre("intel-rapl:0", "intel-rapl:1"));
}

}  // namespace
}  // namespace troika::platform
