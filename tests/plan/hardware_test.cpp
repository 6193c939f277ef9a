#include "plan/hardware.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace troika::plan {
namespace {

TEST(Hardware, BuiltInMachinesSurviveTheirJson) {
  for (std::string_view name : built_in_names()) {
    const Hardware machine = *built_in(name);
    const std::string text = to_json(machine);
    EXPECT_EQ(to_json(hardware_from_json(text, "m.json")), text);
    EXPECT_EQ(machine.devices.size(), 3u);
  }
  EXPECT_FALSE(built_in("phoenix"));
}

TEST(Hardware, EveryNumberOfABuiltInMachineSaysWhereItIsFromAndNoneThatWeMeasuredIt) {
  for (std::string_view name : built_in_names()) {
    const std::string text = to_json(*built_in(name));
    EXPECT_THAT(text, testing::Not(testing::HasSubstr("measured\"")));
    EXPECT_THAT(text, testing::Not(testing::HasSubstr("\"from\": \"\"")));
  }
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const size_t at = text.find(what);
  EXPECT_NE(at, text.npos) << what;
  return text.replace(at, what.size(), by);
}

TEST(Hardware, AFileThatIsWrongIsNamedWithItsField) {
  const std::string text = to_json(*built_in("phoenix-ddr5"));
  const struct {
    std::string text, says;
  } cases[] = {
      {"{", "this is no JSON"},
      {"[]", "\"name\" is missing"},
      {replaced(text, "\"granule\": 1", "\"granule\": 0.5"), "m.json.devices[0].granule: expected a whole number"},
      {replaced(text, "\"source\": \"reported\"", "\"source\": \"dreamt\""), "\"dreamt\" is no source"},
      {replaced(text, "\"value\": 0.15", "\"value\": 1"), "m.json.pairs[0].slowed: expected a share below 1"},
      {replaced(text, "\"value\": 73000000000.0", "\"value\": 0"), "read_bytes_per_s.value: expected a number above 0"},
      {replaced(text, "\"from\": \"vulkan\"", "\"from\": \"gpu\""), "nothing is said of the pair from vulkan to npu"},
  };
  for (const auto& c : cases) {
    try {
      hardware_from_json(c.text, "m.json");
      ADD_FAILURE() << c.says;
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), testing::AllOf(testing::HasSubstr("m.json"), testing::HasSubstr(c.says)));
    }
  }
}

TEST(Hardware, SpeedsAreInterpolatedByPowersOfTheRows) {
  const Speed speed{"q4_0", {{1, 10}, {4, 40}, {16, 40}}};
  EXPECT_DOUBLE_EQ(speed.at(1), 10);
  EXPECT_NEAR(speed.at(2), 20, 1e-12);
  EXPECT_DOUBLE_EQ(speed.at(4), 40);
  EXPECT_NEAR(speed.at(8), 40, 1e-12);
  EXPECT_DOUBLE_EQ(speed.at(512), 40);
}

TEST(Hardware, AFormatWithoutASpeedHasThatOfTheNearestOfItsKind) {
  DeviceCosts device;
  for (const char* work : {"rows", "f16", "q8_0", "q4_0"}) device.speeds.push_back({work, {{1, 1}}});
  EXPECT_EQ(device.speed("q6_k")->work, "q8_0");
  EXPECT_EQ(device.speed("q3_k")->work, "q4_0");
  EXPECT_EQ(device.speed("f32")->work, "f16");
  EXPECT_EQ(device.speed("attention"), nullptr);
}

}  // namespace
}  // namespace troika::plan
