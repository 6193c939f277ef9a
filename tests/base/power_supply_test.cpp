#include "base/power_supply.h"

#include <gtest/gtest.h>

#include "base/made_up_machine.h"
#include "files/scratch.h"

namespace troika::platform {
namespace {

class PowerSupplyTest : public testing::Test {
 protected:
  PowerSupply read() const { return read_power_supply(scratch.path()); }
  void put_in(const char* file, std::string_view text) { put(scratch / "sys/class/power_supply" / file, text); }
  void add_battery() {
    put_in("BAT1/type", "Battery");
    put_in("BAT1/status", "Discharging");
    put_in("BAT1/capacity", "41");
    put_in("BAT1/power_now", "9300000");
  }
  void add_charger(std::string_view online) {
    put_in("ACAD/type", "Mains");
    put_in("ACAD/online", online);
  }

  files::Scratch scratch;
};

TEST_F(PowerSupplyTest, AMachineWithoutABatterySpeaksOfNone) {
  add_charger("1");
  EXPECT_FALSE(read().on_battery);
  EXPECT_FALSE(read().charge);
}

TEST_F(PowerSupplyTest, ABatteryFeedsWhereNoChargerDoes) {
  add_battery();
  add_charger("0");
  const PowerSupply supply = read();
  EXPECT_EQ(supply.on_battery, true);
  EXPECT_DOUBLE_EQ(supply.charge.value(), 0.41);
  EXPECT_DOUBLE_EQ(supply.discharge_watts.value(), 9.3);
}

TEST_F(PowerSupplyTest, OnMainsNothingFlowsOutOfItThatWouldSayWhatTheMachineTakes) {
  add_battery();
  add_charger("1");
  EXPECT_EQ(read().on_battery, false);
  EXPECT_FALSE(read().discharge_watts) << "a weak charger helps it";
  EXPECT_DOUBLE_EQ(read().charge.value(), 0.41);
}

TEST_F(PowerSupplyTest, ChargersMayBeUsbOnesAndOneIsEnough) {
  add_battery();
  add_charger("0");
  put_in("ucsi-source-psy-USBC000:001/type", "USB");
  put_in("ucsi-source-psy-USBC000:001/online", "1");
  EXPECT_EQ(read().on_battery, false);
}

TEST_F(PowerSupplyTest, WithoutAnyChargerItsStatusTells) {
  add_battery();
  EXPECT_EQ(read().on_battery, true);
  put_in("BAT1/status", "Full");
  EXPECT_EQ(read().on_battery, false);
}

TEST_F(PowerSupplyTest, PowerMayBeACurrentAndItsSignMayBeNegative) {
  add_battery();
  std::filesystem::remove(scratch / "sys/class/power_supply/BAT1/power_now");
  put_in("BAT1/current_now", "-800000");
  put_in("BAT1/voltage_now", "15400000");
  EXPECT_NEAR(read().discharge_watts.value(), 12.32, 1e-9);
}

TEST_F(PowerSupplyTest, TwoBatteriesAddUpAndOnlyThoseThatFeedHavePower) {
  add_battery();
  put_in("BAT0/type", "Battery");
  put_in("BAT0/status", "Not charging");
  put_in("BAT0/capacity", "91");
  put_in("BAT0/power_now", "4000000");
  EXPECT_DOUBLE_EQ(read().charge.value(), 0.66);
  EXPECT_DOUBLE_EQ(read().discharge_watts.value(), 9.3);
  put_in("BAT0/status", "Discharging");
  EXPECT_DOUBLE_EQ(read().discharge_watts.value(), 13.3);
}

TEST_F(PowerSupplyTest, AMousesBatteryAndAnEmptyBayAreNone) {
  put_in("hidpp_battery_0/type", "Battery");
  put_in("hidpp_battery_0/scope", "Device");
  put_in("hidpp_battery_0/status", "Discharging");
  put_in("BAT0/type", "Battery");
  put_in("BAT0/present", "0");
  EXPECT_FALSE(read().on_battery);
}

TEST_F(PowerSupplyTest, WhatIsNotReadableIsLeftOut) {
  put_in("BAT1/type", "Battery");
  put_in("BAT1/status", "Discharging");
  put_in("BAT1/capacity", "N/A");
  EXPECT_EQ(read().on_battery, true);
  EXPECT_FALSE(read().charge);
  EXPECT_FALSE(read().discharge_watts);
}

}  // namespace
}  // namespace troika::platform
