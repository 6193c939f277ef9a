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

std::string with_devices(size_t count) {
  Hardware machine = *built_in("phoenix-ddr5");
  machine.devices.resize(count, machine.devices[0]);
  for (size_t i = 0; i < count; ++i) machine.devices[i].name = "device " + std::to_string(i);
  return to_json(machine);
}

TEST(Hardware, AFileThatIsWrongIsNamedWithItsField) {
  const std::string text = to_json(*built_in("phoenix-ddr5"));
  const struct {
    std::string text, says;
  } cases[] = {
      {"{", "this is no JSON"},
      {"[]", "\"version\" is missing"},
      {replaced(text, "\"granule\": 1", "\"granule\": 0.5"), "m.json.devices[0].granule: expected a whole number"},
      {replaced(text, "\"source\": \"reported\"", "\"source\": \"dreamt\""), "\"dreamt\" is no source"},
      {replaced(text, "\"value\": 0.15", "\"value\": 1"), "m.json.pairs[0].slowed: expected a share below 1"},
      {replaced(text, "\"value\": 73000000000.0", "\"value\": 0"), "read_bytes_per_s.value: expected a number above 0"},
      {replaced(text, "\"from\": \"vulkan\"", "\"from\": \"gpu\""), "nothing is said of the pair from vulkan to npu"},
      {replaced(text, "\"name\": \"npu\"", "\"name\": \"vulkan\""),
       "m.json.devices[1].name: another device is called \"vulkan\" already"},
      {with_devices(9), "m.json.devices: a machine has 1 to 8 devices, not 9"},
      {with_devices(0), "m.json.devices: a machine has 1 to 8 devices, not 0"},
      {replaced(text, "\"version\": 2", "\"version\": 1"), "m.json.version: it is of version 1 and this Troika reads 2"},
      {replaced(text, "\"version\": 2,", ""), "\"version\" is missing"},
      {replaced(text, "\"weights\": 0.0", "\"weights\": -1"), "devices[0].speeds[0].sizes[0].weights: expected a number"},
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
  const Speed::Size size{.points = {{1, 10}, {4, 40}, {16, 40}}};
  EXPECT_DOUBLE_EQ(size.at(1), 10);
  EXPECT_NEAR(size.at(2), 20, 1e-12);
  EXPECT_DOUBLE_EQ(size.at(4), 40);
  EXPECT_NEAR(size.at(8), 40, 1e-12);
  EXPECT_DOUBLE_EQ(size.at(512), 40);
}

// A device that needs 2 s whatever it multiplies, then 0.1 s for each weight.
TEST(Hardware, SpeedsFollowTheSizeOfTheMatrixExactlyWhereItWasMeasured) {
  Speed speed{"q4_0", {}, Source::measured, "here"};
  const auto seconds = [](double weights) { return 2 + weights / 10; };
  for (double weights : {10, 100, 1000}) speed.sizes.push_back({weights, {{1, weights / seconds(weights)}, {4, 1e6}}});
  for (double weights : {10, 40, 100, 700, 1000}) {
    EXPECT_NEAR(weights / speed.at(1, weights), seconds(weights), 1e-9) << weights;
  }
  EXPECT_DOUBLE_EQ(speed.at(1, 5), speed.at(1, 10));         // no faster than the smallest that was measured
  EXPECT_DOUBLE_EQ(speed.at(1, 10'000), speed.at(1, 1000));  // nor than the largest
  EXPECT_NEAR(speed.at(4, 50), 1e6, 1e-3);
  EXPECT_DOUBLE_EQ(flat_speed("rows", 7, Source::assumed, "").at(512, 3), 7);
}

TEST(Hardware, WhatWasMeasuredInPartIsPutIntoTheWhole) {
  Hardware kept = *built_in("phoenix-ddr5");
  kept.devices.erase(kept.devices.begin() + 1);  // vulkan, cpu
  Hardware news{.name = "this", .description = "now", .devices = {kept.devices[1]}};
  news.memory.bytes.value = 1;
  DeviceCosts& cpu = news.devices[0];
  cpu.launch_s.value = 9e-6;
  cpu.read_bytes_per_s.value = 1e9;
  cpu.speeds = {flat_speed("q4_0", 5e12, Source::measured, ""), flat_speed("q4_k", 6e12, Source::measured, "")};
  const Hardware all = merged(kept, news);
  ASSERT_EQ(all.devices.size(), 2u);
  EXPECT_EQ(all.devices[1].launch_s.value, 9e-6);
  EXPECT_EQ(all.devices[1].speed("q4_0")->at(1, 1), 5e12);
  EXPECT_EQ(all.devices[1].speed("q4_k")->at(1, 1), 6e12);
  EXPECT_EQ(all.devices[1].speed("q8_0")->at(1, 1), 2.4e12);                            // of what stays
  EXPECT_EQ(all.devices[1].read_bytes_per_s.value, kept.devices[1].read_bytes_per_s.value);  // which read as fast
  EXPECT_EQ(to_json(Hardware{.devices = {all.devices[0]}}), to_json(Hardware{.devices = {kept.devices[0]}}));
  EXPECT_EQ(all.memory.bytes.value, 1);
  EXPECT_EQ(all.memory.gtt.value, kept.memory.gtt.value);  // nobody asked the GPU
  EXPECT_EQ(all.pairs.size(), 2u);
  EXPECT_NO_THROW(hardware_from_json(to_json(all), "m.json"));
  news.devices[0].name = "npu";
  const Hardware three = merged(all, news);
  EXPECT_EQ(three.pairs.size(), 6u);
  EXPECT_EQ(three.pair(0, 2).slowed.source, Source::assumed);
}

TEST(Hardware, AFormatWithoutASpeedHasThatOfTheNearestOfItsKind) {
  DeviceCosts device;
  for (const char* work : {"rows", "f16", "q8_0", "q4_0"}) device.speeds.push_back(flat_speed(work, 1, Source::assumed, ""));
  EXPECT_EQ(device.speed("q6_k")->work, "q8_0");
  EXPECT_EQ(device.speed("q3_k")->work, "q4_0");
  EXPECT_EQ(device.speed("f32")->work, "f16");
  EXPECT_EQ(device.speed("attention"), nullptr);
}

}  // namespace
}  // namespace troika::plan
