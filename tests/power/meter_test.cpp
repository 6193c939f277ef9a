#include "power/meter.h"

#include <gmock/gmock.h>

#include "base/made_up_machine.h"
#include "files/scratch.h"

namespace troika::power {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class MeterTest : public testing::Test {
 protected:
  void put_in(const char* file, std::string_view text) { put(scratch / "sys/class" / file, text); }
  void add_package(int number, std::string_view microjoules) {
    const std::string zone = "powercap/intel-rapl:" + std::to_string(number);
    put_in((zone + "/name").c_str(), "package-" + std::to_string(number));
    put_in((zone + "/max_energy_range_uj").c_str(), "65532610987");
    put_in((zone + "/energy_uj").c_str(), microjoules);
  }
  void add_battery(std::string_view status, std::string_view microwatts) {
    put_in("power_supply/BAT1/type", "Battery");
    put_in("power_supply/BAT1/status", status);
    put_in("power_supply/BAT1/power_now", microwatts);
  }
  platform::Energy read(Meter& meter, std::chrono::nanoseconds later) { return meter.read(now += later); }

  files::Scratch scratch;
  Meter::Clock::time_point now = Meter::Clock::now();
};

TEST_F(MeterTest, AddsUpPackagesAndNeitherTheirPartsNorTheGpuNorTheBattery) {
  make_up_machine(scratch.path());  // with a part of the package, and a GPU of 24 W
  add_package(1, "500000000");
  add_battery("Discharging", "30000000");
  Meter meter(scratch.path());
  EXPECT_EQ(meter.source(), Meter::Source::package);
  EXPECT_EQ(meter.missing(), "");
  EXPECT_EQ(read(meter, 0s).joules, 0);
  put_in("powercap/intel-rapl:0/energy_uj", "49000000");
  put_in("powercap/intel-rapl:0:0/energy_uj", "99000000");
  put_in("powercap/intel-rapl:1/energy_uj", "512000000");
  const platform::Energy spent = read(meter, 4s);
  EXPECT_DOUBLE_EQ(spent.joules, 48 + 12);
  EXPECT_DOUBLE_EQ(spent.seconds, 4);
}

TEST_F(MeterTest, TimeThatOnePackageCannotTellOfDoesNotCount) {
  add_package(0, "1000000");
  add_package(1, "1000000");
  Meter meter(scratch.path());
  read(meter, 0s);
  put_in("powercap/intel-rapl:0/energy_uj", "9000000");
  put_in("powercap/intel-rapl:1/energy_uj", "");
  EXPECT_EQ(read(meter, 1s).seconds, 0);
}

TEST_F(MeterTest, WhereOnlyRootReadsTheCounterTheBatteryTellsAndWhyIsKnown) {
  add_package(0, "");
  add_battery("Discharging", "10000000");
  Meter meter(scratch.path());
  EXPECT_EQ(meter.source(), Meter::Source::battery);
  EXPECT_THAT(meter.missing(), HasSubstr("sudo chmod a+r"));
  read(meter, 0s);
  add_battery("Discharging", "14000000");
  const platform::Energy spent = read(meter, 10s);
  EXPECT_DOUBLE_EQ(spent.joules, 120);
  EXPECT_DOUBLE_EQ(spent.seconds, 10);
}

TEST_F(MeterTest, WhatABatterySpentIsKnownOnlyWhileItFeedsTheMachine) {
  add_battery("Charging", "40000000");
  Meter meter(scratch.path());
  read(meter, 0s);
  EXPECT_EQ(read(meter, 10s).seconds, 0);
  add_battery("Discharging", "10000000");
  EXPECT_EQ(read(meter, 10s).seconds, 0) << "since when it does is not known";
  EXPECT_EQ(read(meter, 10s).seconds, 10);
  add_battery("Full", "0");
  EXPECT_EQ(read(meter, 10s).joules, 100);
  add_battery("Discharging", "10000000");
  read(meter, 10s);
  EXPECT_EQ(read(meter, 2min).joules, 100) << "nobody looked for too long";
}

TEST_F(MeterTest, WithoutCountersNothingIsSaidAndWhy) {
  Meter meter(scratch.path());
  EXPECT_EQ(meter.source(), Meter::Source::none);
  EXPECT_EQ(read(meter, 1s).seconds, 0);
  EXPECT_THAT(meter.missing(), HasSubstr("this system has no counter of the processor's energy"));
}

}  // namespace
}  // namespace troika::power
