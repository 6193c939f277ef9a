#include "apps/calibration.h"

#include <gtest/gtest.h>

#include "apps/bench_energy.h"
#include "engine/twin.h"

namespace troika::apps {
namespace {

TEST(Calibration, CountsTheMemoryOfACardApartFromTheSystems) {
  const platform::Memory system{.total_bytes = 8000, .available_bytes = 5000};
  const device::DeviceInfo card{.memory_bytes = 16000, .has_own_memory = true}, integrated{.memory_bytes = 16000};
  const plan::Memory alone = memory_of(system, nullptr);
  EXPECT_EQ(alone.bytes.value, 8000);
  EXPECT_EQ(alone.reserved.value, 3000);
  EXPECT_EQ(alone.gtt.value + alone.carved.value, 0);
  EXPECT_EQ(memory_of(system, &card).carved.value, 16000);
  EXPECT_EQ(memory_of(system, &card).gtt.value, 0);
  EXPECT_EQ(memory_of(system, &integrated).carved.value, 0);
  EXPECT_EQ(memory_of(system, &integrated).gtt.value, 8000);  // it cannot map more than there is
}

TEST(Calibration, IsKeptWhereTheMachineWasMeasuredAsItIsUsed) {
  EXPECT_TRUE(CalibrationOptions().is_usual());
  EXPECT_TRUE(CalibrationOptions().is_whole());
  const CalibrationOptions part{.devices = {"cpu"}}, format{.formats = {"q4_k"}};
  const CalibrationOptions slow{.threads = 1}, small{.shapes = {"64x64"}};
  EXPECT_TRUE(part.is_usual());
  EXPECT_FALSE(part.is_whole());
  EXPECT_TRUE(format.is_usual());
  EXPECT_FALSE(format.is_whole());
  EXPECT_FALSE(slow.is_usual());
  EXPECT_FALSE(small.is_usual());
}

// The device of products.
TEST(Calibration, MeasuresTheProductsOfADeviceThatDoesNothingElse) {
  engine::add_twin();
  const CalibrationOptions options{
      .devices = {"multiplier", "cpu"}, .threads = 1, .shapes = {"256x256"}, .formats = {"q8_0"}, .seconds = 0.001};
  const plan::Hardware machine = calibrate(options, [](std::string_view) {});
  const plan::DeviceCosts& device = machine.devices[0];
  EXPECT_EQ(device.launch_s.value, 0);
  EXPECT_GT(device.submit_s.value, 0);
  EXPECT_GT(device.read_bytes_per_s.value, 0);
  EXPECT_EQ(device.weight_bits, 1) << "as many as in the file";
  ASSERT_EQ(device.speeds.size(), 1u);
  EXPECT_EQ(device.speeds[0].work, "q8_0");
  std::vector<int> rows;
  for (const plan::Speed::Point& point : device.speeds[0].sizes[0].points) rows.push_back(point.rows);
  EXPECT_EQ(rows, (std::vector{1, 32, 256, 512}));
  EXPECT_TRUE(machine.devices[1].speed("rows"));
  EXPECT_NE(machine.find_pair(machine.devices[0].name, "cpu"), nullptr);
  const plan::Hardware read = plan::hardware_from_json(plan::to_json(machine), "m.json");
  EXPECT_EQ(read.devices[0].speeds.size(), 1u);
}

VulkanGpus one_gpu(device::vulkan::GpuKind kind) {
  VulkanGpus vulkan{.gpus = {{.kind = kind}}};
  vulkan.choice.number = 0;
  return vulkan;
}

TEST(BenchEnergy, KnowsACardInAnyListOfDevices) {
  using device::vulkan::GpuKind;
  const auto has = [](const std::vector<std::string>& devices, GpuKind kind) {
    return has_card(devices, [kind] { return one_gpu(kind); });
  };
  EXPECT_TRUE(has({"vulkan", "cpu"}, GpuKind::discrete));
  EXPECT_TRUE(has({"npu", "vulkan", "cpu"}, GpuKind::discrete));
  EXPECT_TRUE(has({"cpu", "vulkan", "cpu"}, GpuKind::discrete));  // of the second lane
  EXPECT_FALSE(has({"vulkan", "npu", "cpu"}, GpuKind::integrated));
  EXPECT_FALSE(has_card(std::vector<std::string>{"npu", "cpu"}, []() -> VulkanGpus { throw Error("nobody asks"); }));
  EXPECT_FALSE(has_card(std::vector<std::string>{"vulkan"}, [] { return VulkanGpus{.choice = {.number = -1}}; }));
}

}  // namespace
}  // namespace troika::apps
