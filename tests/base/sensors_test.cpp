#include "base/sensors.h"

#include <gmock/gmock.h>

#include "base/made_up_machine.h"
#include "files/scratch.h"

namespace troika::platform {
namespace {

using namespace std::chrono_literals;

class SensorsTest : public testing::Test {
 protected:
  const Reading* find(std::string_view sensor) {
    for (const Reading& reading : sensors.read(now))
      if (reading.sensor == sensor) return &reading;
    return nullptr;
  }

  files::Scratch scratch;
  Sensors sensors{scratch.path()};
  Sensors::Clock::time_point now = Sensors::Clock::now();
  const std::filesystem::path hwmon = scratch / "sys/class/hwmon";
  const std::filesystem::path package = scratch / "sys/class/powercap/intel-rapl:0";
};

TEST_F(SensorsTest, AMachineWithoutAnyTellsNothing) { EXPECT_TRUE(sensors.read(now).empty()); }

TEST_F(SensorsTest, ReadsEachChipByItsDriver) {
  make_up_machine(scratch.path());
  EXPECT_EQ(sensors.read(now).size(), 2u) << "a disk is no device of ours";
  const Reading *cpu = find("cpu"), *gpu = find("gpu");
  ASSERT_TRUE(cpu && gpu);
  EXPECT_DOUBLE_EQ(cpu->celsius.value(), 71.25);
  EXPECT_FALSE(cpu->busy);
  EXPECT_DOUBLE_EQ(gpu->celsius.value(), 49);
  EXPECT_DOUBLE_EQ(gpu->watts.value(), 24.038);
  EXPECT_DOUBLE_EQ(gpu->busy.value(), 0.63);
}

TEST_F(SensorsTest, TakesTheTemperatureThatStandsForTheChip) {
  put(hwmon / "hwmon0/name", "coretemp");
  put(hwmon / "hwmon0/temp2_label", "Core 0");
  put(hwmon / "hwmon0/temp2_input", "50000");
  put(hwmon / "hwmon0/temp3_label", "Package id 0");
  put(hwmon / "hwmon0/temp3_input", "62000");
  EXPECT_DOUBLE_EQ(find("cpu")->celsius.value(), 62);
}

TEST_F(SensorsTest, OlderAndNewerNamesOfAGpusPowerAreBothRead) {
  put(hwmon / "hwmon0/name", "amdgpu");
  put(hwmon / "hwmon0/power1_input", "9000000");
  const Reading* gpu = find("gpu");
  EXPECT_DOUBLE_EQ(gpu->watts.value(), 9);
  EXPECT_FALSE(gpu->celsius) << "it has none";
}

TEST_F(SensorsTest, ASecondGpuHasANumber) {
  put(hwmon / "hwmon1/name", "amdgpu");
  put(hwmon / "hwmon1/temp1_input", "41000");
  put(hwmon / "hwmon2/name", "amdgpu");
  put(hwmon / "hwmon2/temp1_input", "42000");
  EXPECT_DOUBLE_EQ(find("gpu")->celsius.value(), 41);
  EXPECT_DOUBLE_EQ(find("gpu1")->celsius.value(), 42);
}

TEST_F(SensorsTest, AGpuThatSleepsIsLeftAlone) {
  make_up_machine(scratch.path());
  put(hwmon / "hwmon10/device/power/runtime_status", "suspended");
  EXPECT_EQ(find("gpu"), nullptr);
  now += 1s;
  put(hwmon / "hwmon10/device/power/runtime_status", "active");
  EXPECT_DOUBLE_EQ(find("gpu")->celsius.value(), 49);
}

TEST_F(SensorsTest, PowerOfThePackageIsTheDifferenceOfItsEnergy) {
  make_up_machine(scratch.path());
  EXPECT_FALSE(find("cpu")->watts) << "one look is no difference";
  put(package / "energy_uj", "49000000");
  now += 2s;
  EXPECT_DOUBLE_EQ(find("cpu")->watts.value(), 24);
}

TEST_F(SensorsTest, AnEnergyCounterGoesRound) {
  make_up_machine(scratch.path());
  put(package / "energy_uj", "65532000000");
  find("cpu");
  put(package / "energy_uj", "1389013");  // 610987 before the end and 1389013 behind it
  now += 1s;
  EXPECT_NEAR(find("cpu")->watts.value(), 2, 1e-9);
}

TEST_F(SensorsTest, AnEnergyOfLongAgoIsNoPowerOfNow) {
  make_up_machine(scratch.path());
  find("cpu");
  now += 24h;
  EXPECT_FALSE(find("cpu")->watts);
}

TEST_F(SensorsTest, LooksOnceASecond) {
  make_up_machine(scratch.path());
  find("cpu");
  put(hwmon / "hwmon2/temp1_input", "80000");
  now += 999ms;
  EXPECT_DOUBLE_EQ(find("cpu")->celsius.value(), 71.25);
  now += 1ms;
  EXPECT_DOUBLE_EQ(find("cpu")->celsius.value(), 80);
}

TEST_F(SensorsTest, WhatGoesAwayOrMakesNoSenseIsLeftOut) {
  make_up_machine(scratch.path());
  put(hwmon / "hwmon10/power1_average", "");
  put(hwmon / "hwmon10/device/gpu_busy_percent", "N/A");
  std::filesystem::remove_all(hwmon / "hwmon2");
  EXPECT_EQ(find("cpu"), nullptr);
  EXPECT_FALSE(find("gpu")->watts);
  EXPECT_FALSE(find("gpu")->busy);
}

}  // namespace
}  // namespace troika::platform
