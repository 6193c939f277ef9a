// What the server tells of itself, checked as strictly as Prometheus would.
#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "base/made_up_machine.h"
#include "files/scratch.h"
#include "power/governor.h"
#include "server/raw_client.h"

namespace troika::server {
namespace {

using testing::HasSubstr;

class Observe : public ServerTest {
 protected:
  // Every sample of /metrics by its name and labels.
  std::map<std::string, double> scrape() {
    const RawReply reply = get("/metrics");
    EXPECT_EQ(reply.status, 200);
    EXPECT_THAT(reply.header("Content-Type"), HasSubstr("text/plain; version=0.0.4"));
    std::map<std::string, double> samples;
    std::istringstream lines(reply.body);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with('#')) continue;
      const size_t space = line.rfind(' ');
      const bool is_new = samples.emplace(line.substr(0, space), std::stod(line.substr(space + 1))).second;
      EXPECT_TRUE(is_new) << line;
    }
    return samples;
  }
};

const std::string kModel = "{model=\"fake/model:1\"}";

TEST_F(Observe, NumbersOfTheEngineAreSamplesOfTheModel) {
  engine.counted = {.running = 0, .waiting = 3, .page_tokens = 32, .pages_total = 100, .pages_free = 25};
  engine.counted.prompt_tokens = 700;
  engine.counted.cached_tokens = 600;
  engine.counted.limited = 4;
  const auto samples = scrape();
  EXPECT_EQ(samples.at("troika_requests_waiting" + kModel), 3);
  EXPECT_EQ(samples.at("troika_prompt_tokens_total" + kModel), 700);
  EXPECT_EQ(samples.at("troika_cached_prompt_tokens_total" + kModel), 600);
  EXPECT_EQ(samples.at("troika_kv_pages_used" + kModel), 75);
  EXPECT_EQ(samples.at("troika_requests_total{model=\"fake/model:1\",finish=\"length\"}"), 4);
  EXPECT_EQ(samples.at("vllm:num_requests_waiting" + kModel), 3);
  EXPECT_EQ(samples.at("vllm:kv_cache_usage_perc" + kModel), 0.75);
  EXPECT_EQ(samples.at("vllm:cache_config_info{model=\"fake/model:1\",block_size=\"32\",num_gpu_blocks=\"100\"}"), 1);
  EXPECT_GT(samples.at("process_resident_memory_bytes"), 1e6);
}

TEST_F(Observe, HistogramsAreCumulativeAndEndAtInfinity) {
  for (const double wait : {0.005, 0.006, 0.2, 1e6}) engine.counted.first_token_seconds.add(wait);
  const auto samples = scrape();
  const auto bucket = [&](const std::string& bound) {
    return samples.at("troika_time_to_first_token_seconds_bucket{model=\"fake/model:1\",le=\"" + bound + "\"}");
  };
  EXPECT_EQ(bucket("0.005"), 1) << "a bound belongs to its bucket";
  EXPECT_EQ(bucket("0.01"), 2);
  EXPECT_EQ(bucket("0.25"), 3);
  EXPECT_EQ(bucket("300"), 3);
  EXPECT_EQ(bucket("+Inf"), 4);
  EXPECT_EQ(samples.at("troika_time_to_first_token_seconds_count" + kModel), 4);
  EXPECT_DOUBLE_EQ(samples.at("troika_time_to_first_token_seconds_sum" + kModel), 1e6 + 0.211);
}

TEST_F(Observe, EveryFamilyHasHelpATypeAndOursTheirPrefix) {
  const RawReply reply = get("/metrics");
  std::set<std::string> families;
  std::istringstream lines(reply.body);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("# TYPE ")) continue;
    const std::string name = line.substr(7, line.find(' ', 7) - 7);
    EXPECT_TRUE(families.insert(name).second) << name << " twice";
    EXPECT_THAT(reply.body, HasSubstr("# HELP " + name + " "));
    EXPECT_THAT(name, testing::AnyOf(testing::StartsWith("troika_"), testing::StartsWith("process_"),
                                     testing::StartsWith("vllm:")));
    EXPECT_EQ(line.ends_with(" counter"), name.ends_with("_total")) << line;
  }
  EXPECT_GE(families.size(), 25u);
}

TEST_F(Observe, TheGrafanaBoardAsksForWhatThereIs) {
  std::ifstream file(TROIKA_SOURCE_DIR "/docs/grafana.json");
  const Json board = Json::parse(file);
  const files::Scratch machine;
  make_up_machine(machine.path());
  options.system_root = machine.path();
  chat();
  const std::string metrics = get("/metrics").body;
  const std::regex name("(troika|process)_[a-z_]+");
  int asked = 0;
  for (const Json& panel : board["panels"]) {
    for (const Json& target : panel["targets"]) {
      const std::string query = target["expr"];
      for (std::sregex_iterator at(query.begin(), query.end(), name), end; at != end; ++at, ++asked)
        EXPECT_TRUE(std::regex_search(metrics, std::regex("(^|\n)" + at->str() + "[{ ]"))) << at->str();
    }
  }
  EXPECT_GT(asked, 20);
}

TEST_F(Observe, AnswersAreCountedByRouteAndStatusNotByWhatStrangersWrite) {
  EXPECT_EQ(chat().status, 200);
  EXPECT_EQ(chat({{"temperature", "hot"}}).status, 400);
  EXPECT_EQ(chat({{"stream", true}}).status, 200);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(get("/v1/nothing" + std::to_string(i)).status, 404);
  RawClient garbler(port());
  garbler.send("no http at all\r\n\r\n");
  EXPECT_EQ(garbler.read_reply().status, 400);
  const auto samples = scrape();
  EXPECT_EQ(samples.at("troika_http_requests_total{route=\"none\",code=\"400\"}"), 1);
  EXPECT_EQ(samples.at("troika_http_requests_total{route=\"/chat/completions\",code=\"200\"}"), 2);
  EXPECT_EQ(samples.at("troika_http_requests_total{route=\"/chat/completions\",code=\"400\"}"), 1);
  EXPECT_EQ(samples.at("troika_http_requests_total{route=\"none\",code=\"404\"}"), 5);
}

TEST_F(Observe, AnEngineThatFailsIsCountedAsTheErrorItGives) {
  engine.failure = "the device is lost";
  EXPECT_EQ(chat().status, 500);
  EXPECT_EQ(scrape().at("troika_http_requests_total{route=\"/chat/completions\",code=\"500\"}"), 1);
}

TEST_F(Observe, BusySecondsAreOfAModelOnADevice) {
  engine.counted.device = "cpu";
  engine.counted.busy_s = 12.5;
  EXPECT_EQ(scrape().at("troika_device_busy_seconds_total{model=\"fake/model:1\",device=\"cpu\"}"), 12.5);
  EXPECT_EQ(get("/api/troika/status").json()["models"][0]["totals"]["busy_seconds"], 12.5);
}

TEST_F(Observe, SensorsThatAreThereAreMetricsAndOthersAreNone) {
  const files::Scratch machine;
  make_up_machine(machine.path());
  options.system_root = machine.path();
  const auto samples = scrape();
  EXPECT_EQ(samples.at("troika_temperature_celsius{sensor=\"cpu\"}"), 71.25);
  EXPECT_EQ(samples.at("troika_temperature_celsius{sensor=\"gpu\"}"), 49);
  EXPECT_EQ(samples.at("troika_power_watts{sensor=\"gpu\"}"), 24.038);
  EXPECT_EQ(samples.at("troika_busy_ratio{sensor=\"gpu\"}"), 0.63);
  EXPECT_FALSE(samples.contains("troika_busy_ratio{sensor=\"cpu\"}"));
  EXPECT_FALSE(samples.contains("troika_temperature_celsius{sensor=\"npu\"}"));
  const Json sensors = get("/api/troika/status").json()["machine"]["sensors"];
  EXPECT_EQ(sensors, Json({{{"name", "cpu"}, {"celsius", 71.25}},
                           {{"name", "gpu"}, {"celsius", 49.0}, {"watts", 24.038}, {"busy", 0.63}}}));
}

TEST_F(Observe, AMachineWithoutSensorsSaysNothingOfThem) {
  const files::Scratch machine;
  options.system_root = machine.path();
  EXPECT_THAT(get("/metrics").body, testing::Not(testing::AnyOf(HasSubstr("celsius"), HasSubstr("watts"))));
  EXPECT_EQ(get("/api/troika/status").json()["machine"]["sensors"], Json::array());
}

TEST_F(Observe, WhatLimitsTheEnginesAndWhyIsToldAndWhatTheMachineSpent) {
  const files::Scratch machine;
  make_up_machine(machine.path());
  const auto supply = machine / "sys/class/power_supply";
  put(supply / "BAT1/type", "Battery");
  put(supply / "BAT1/status", "Discharging");
  put(supply / "BAT1/capacity", "41");
  options.power = std::make_shared<power::Governor>(power::Wish{}, machine.path(), power::Governor::Looks::when_told);
  put(machine / "sys/class/powercap/intel-rapl:0/energy_uj", "31000000");
  options.power->look(power::Clock::now() + std::chrono::seconds(2));
  engine.counted.rested_s = 1.5;
  const auto samples = scrape();
  EXPECT_EQ(samples.at("troika_power_info{power=\"auto\",profile=\"balanced\",reason=\"battery\"}"), 1);
  EXPECT_EQ(samples.at("troika_power_threads_ratio"), 0.5);
  EXPECT_EQ(samples.at("troika_power_share_ratio"), 1);
  EXPECT_EQ(samples.at("troika_on_battery"), 1);
  EXPECT_EQ(samples.at("troika_battery_charge_ratio"), 0.41);
  EXPECT_NEAR(samples.at("troika_energy_joules_total{source=\"package\"}"), 30, 1e-6);
  EXPECT_NEAR(samples.at("troika_energy_seconds_total{source=\"package\"}"), 2, 0.5);
  EXPECT_EQ(samples.at("troika_rested_seconds_total" + kModel), 1.5);
  const Json power = get("/api/troika/status").json()["power"];
  EXPECT_EQ(power["profile"], "balanced");
  EXPECT_EQ(power["reason"], "battery");
  EXPECT_EQ(get("/api/ps").json()["power"], power["text"]) << "for troika ps";
  EXPECT_THAT(power["text"].get<std::string>(), testing::StartsWith("--power auto on battery (41 %): balanced, "));
}

TEST_F(Observe, EnergyThatNobodyCountsIsNoMetric) {
  const files::Scratch machine;
  options.power = std::make_shared<power::Governor>(power::Wish{}, machine.path(), power::Governor::Looks::when_told);
  const std::string metrics = get("/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("troika_power_info{"));
  EXPECT_THAT(metrics, testing::Not(testing::AnyOf(HasSubstr("joules"), HasSubstr("battery_charge"))));
}

TEST_F(Observe, StatusTellsThePageWhatItShows) {
  options.version = "1.2.3";
  engine.counted = {.running = 2, .pages_total = 10, .pages_free = 4};
  engine.counted.gap_seconds.add(0.02);
  const Json status = get("/api/troika/status").json();
  EXPECT_EQ(status["version"], "1.2.3");
  EXPECT_GT(status["machine"]["memory_bytes"], 0);
  const Json& model = status["models"][0];
  EXPECT_EQ(model["id"], "fake/model:1");
  EXPECT_EQ(model["running"], 2);
  EXPECT_EQ(model["cache"]["pages_used"], 6);
  const Json& gaps = model["gap_seconds"];
  EXPECT_EQ(gaps["counts"].size(), gaps["bounds"].size() + 1);
  EXPECT_EQ(gaps["sum"], 0.02);
}

}  // namespace
}  // namespace troika::server
