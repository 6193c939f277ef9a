#include "power/governor.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/made_up_machine.h"
#include "files/scratch.h"

namespace troika::power {
namespace {

using namespace std::chrono_literals;

class GovernorTest : public testing::Test {
 protected:
  GovernorTest() { make_up_machine(scratch.path()); }
  void put_in(const char* file, std::string_view text) { put(scratch / "sys/class" / file, text); }

  files::Scratch scratch;
};

TEST_F(GovernorTest, LooksOnceBeforeAnybodyAsks) {
  put_in("power_supply/BAT1/type", "Battery");
  put_in("power_supply/BAT1/status", "Discharging");
  put_in("power_supply/BAT1/capacity", "60");
  Governor governor({}, scratch.path(), Governor::Looks::when_told);
  EXPECT_EQ(governor.limits().threads, 0.5);
  EXPECT_EQ(governor.status().decision.reason, Reason::battery);
}

TEST_F(GovernorTest, FollowsWhatTheSensorsSayFromLookToLook) {
  Governor governor({Profile::balanced}, scratch.path(), Governor::Looks::when_told);
  EXPECT_EQ(governor.status().seen.celsius, 71.25) << "the hottest";
  EXPECT_EQ(governor.limits().share, 1);
  put_in("hwmon/hwmon10/temp1_input", "91000");
  auto now = Clock::now();
  governor.look(now += 2s);
  EXPECT_LT(governor.limits().share, 1);
  EXPECT_EQ(governor.status().decision.reason, Reason::heat);
  put_in("hwmon/hwmon10/temp1_input", "40000");
  for (int i = 0; i < 20; ++i) governor.look(now += 2s);
  EXPECT_EQ(governor.limits().share, 1);
}

TEST_F(GovernorTest, WattsAreThePackagesAndElseTheGpus) {
  Governor governor({}, scratch.path(), Governor::Looks::when_told);
  EXPECT_EQ(governor.status().seen.watts, 24.038) << "one look at a counter is no power";
  put_in("powercap/intel-rapl:0/energy_uj", "31000000");
  const auto before = Clock::now();
  governor.look(before + 2s);
  EXPECT_NEAR(governor.status().seen.watts.value(), 15, 0.5);
  EXPECT_NEAR(governor.status().spent.joules, 30, 1e-9);
}

TEST_F(GovernorTest, LooksByItselfOnceSomebodyAsks) {
  Governor governor({Profile::balanced}, scratch.path());
  put_in("hwmon/hwmon2/temp1_input", "95000");
  const auto end = Clock::now() + 30s;
  while (governor.limits().share == 1 && Clock::now() < end) std::this_thread::sleep_for(10ms);
  EXPECT_LT(governor.limits().share, 1);
}

TEST_F(GovernorTest, CountsEnergyToTheMomentItIsAsked) {
  Governor governor({}, scratch.path(), Governor::Looks::when_told);
  governor.spent();
  const double before = governor.spent().joules;
  put_in("powercap/intel-rapl:0/energy_uj", "1500000");
  std::this_thread::sleep_for(5ms);
  EXPECT_NEAR(governor.spent().joules - before, 0.5, 1e-9);
}

}  // namespace
}  // namespace troika::power
