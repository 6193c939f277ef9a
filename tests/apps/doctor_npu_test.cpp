// troika doctor --npu, on machines that are made up and with a plug-in that has the simulator inside.
#include "apps/doctor_npu.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "npu/made_up_npu.h"

namespace troika::apps {
namespace {

using npu::MadeUpNpu;
using ::testing::HasSubstr;

NpuReport examine(const MadeUpNpu& machine, const std::string& plugin) {
  setenv("TROIKA_NPU_PLUGIN", plugin.c_str(), 1);
  NpuReport report = examine_npu(machine.root());
  unsetenv("TROIKA_NPU_PLUGIN");
  return report;
}

std::string text_of(const NpuReport& report) {
  std::string text;
  for (const NpuLine& line : lines_about(report)) text += line.label + ": " + line.text + "\n";
  return text;
}

TEST(DoctorNpu, TellsOfAnNpuThatWorksAllThatWeWouldLikeToKnow) {
  MadeUpNpu machine;
  const NpuReport report = examine(machine, machine.plugin().string());
  const nlohmann::ordered_json json = to_json(report);
  EXPECT_EQ(json["machine"].size(), 6u);
  for (const auto& finding : json["machine"]) EXPECT_TRUE(finding["ready"]) << finding;
  EXPECT_EQ(json["machine"][2]["text"], "1.5.5.391");
  EXPECT_EQ(json["plugin"], machine.plugin().string());
  EXPECT_EQ(json["array"]["device"], "NPU of a test");
  EXPECT_EQ(json["array"]["simulated"], false);
  EXPECT_EQ(json["array"]["self_test"], "right");
  EXPECT_EQ(json["array"]["designs_tested"], 2);
  EXPECT_EQ(json["array"]["report"], R"({"power_mode": "default"})");
  EXPECT_EQ(json["array"]["overlays"].size(), 2u);
  EXPECT_EQ(json["array"]["overlays"][0]["mlir_aie"], "1.3.2");
  EXPECT_EQ(json["sharing"]["step"], 1);
  EXPECT_EQ(json["measured"]["clock_ghz"], nullptr);
  for (const char* number : {"launch_us", "read_gb_s_at_least"}) EXPECT_GT(json["measured"][number], 0) << number;
  EXPECT_GT(json["measured"]["efficiency"]["gemm_w4a8"], 0);
  EXPECT_EQ(json["why_not"], "");
  EXPECT_THAT(text_of(report), HasSubstr("node: /dev/accel/accel0\nIOMMU: on\nmemlock: unlimited\nplug-in: "));
  EXPECT_THAT(text_of(report), HasSubstr("self-test: 2 designs tested, every bit of their products is right\n"
                                         "memory: step 1 of 4"));
}

TEST(DoctorNpu, SaysWhatToDoWhereItDoesNotWork) {
  MadeUpNpu machine;
  std::filesystem::remove(machine.root() / "dev/accel/accel0");
  const NpuReport report = examine(machine, machine.plugin().string());
  EXPECT_THAT(text_of(report), HasSubstr("node: no: /dev/accel/accel0 is not here; in a container pass it in"));
  EXPECT_THAT(text_of(report), HasSubstr("array: no: /dev/accel/accel0 is not here"));
  EXPECT_EQ(to_json(report)["array"], nullptr);
  EXPECT_THAT(to_json(report)["why_not"], HasSubstr("--device /dev/accel/accel0"));
}

TEST(DoctorNpu, MeasuresNothingOnTheSimulator) {
  MadeUpNpu machine;
  const NpuReport report = examine(machine, npu::kSimulated);
  EXPECT_THAT(text_of(report), HasSubstr("array: NPU (XDNA1), simulated on the CPU, simulator\n"));
  EXPECT_THAT(text_of(report), HasSubstr("measured: nothing: it is simulated\n"));
  EXPECT_THAT(text_of(report), HasSubstr("self-test: 2 designs tested")) << "of five that are configured";
  const nlohmann::ordered_json json = to_json(report);
  EXPECT_EQ(json["array"]["simulated"], true);
  for (const char* unknown : {"plugin", "sharing", "measured"}) EXPECT_EQ(json[unknown], nullptr) << unknown;
}

}  // namespace
}  // namespace troika::apps
