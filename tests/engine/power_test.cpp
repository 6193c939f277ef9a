// What --power changes between steps: their rows, their threads and the rest behind them, but nobody's tokens, and nothing
// is compiled for it.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/made_up_machine.h"
#include "engine/clients.h"
#include "engine/handing_on.h"
#include "files/scratch.h"
#include "power/governor.h"

namespace troika::engine {
namespace {

using namespace std::chrono_literals;

const std::filesystem::path kModel = std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens/qwen2-tied";

std::atomic<int> compiled = 0;
std::atomic<double> threads = 1;
std::atomic<int> most_rows = 0;
std::atomic<std::chrono::milliseconds> step_time = 0ms;  // at least

class CountsRows : public device::Executable {
 public:
  CountsRows(std::unique_ptr<device::Executable> inner, const ops::StepInputs* inputs)
      : inner_(std::move(inner)), inputs_(inputs) {}
  void submit() override {
    most_rows = std::max(most_rows.load(), inputs_->tokens);
    std::this_thread::sleep_for(step_time.load());
    inner_->submit();
  }
  void wait() override { inner_->wait(); }

 private:
  const std::unique_ptr<device::Executable> inner_;
  const ops::StepInputs* const inputs_;
};

// The CPU, and what is asked of it.
class Asked : public HandsOn {
 public:
  explicit Asked(const device::DeviceOptions& options) : HandsOn(device::make_device("cpu", options)) {}
  std::unique_ptr<device::Executable> compile(const device::Segment& segment) override {
    ++compiled;
    return std::make_unique<CountsRows>(HandsOn::compile(segment), segment.inputs);
  }
  void limit_threads(double share) override { HandsOn::limit_threads(threads = share); }
};

class Power : public testing::Test {
 protected:
  Power() {
    static const bool added = [] {
      device::add_backend({"asked", [](const device::DeviceOptions& o) { return std::make_unique<Asked>(o); }});
      return true;
    }();
    EXPECT_TRUE(added);
    make_up_machine(scratch.path());
    set("power_supply/BAT1/type", "Battery");
    feed("Full", "90");
    heat("50000");
    governor = std::make_shared<power::Governor>(power::Wish{}, scratch.path(), power::Governor::Looks::when_told);
    engine = Engine::load(kModel, {.device = "asked", .threads = 4, .power = governor});
    most_rows = 0;
    step_time = 0ms;
  }
  void set(const char* file, std::string_view text) { put(scratch / "sys/class" / file, text); }
  void feed(std::string_view status, std::string_view charge) {
    set("power_supply/BAT1/status", status);
    set("power_supply/BAT1/capacity", charge);
  }
  void heat(std::string_view millidegrees) {
    for (const char* chip : {"hwmon/hwmon2/temp1_input", "hwmon/hwmon10/temp1_input"}) set(chip, millidegrees);
  }
  void look() { governor->look(now += 20s); }
  int rows_of(int prompt_tokens) {
    most_rows = 0;
    alone(*engine, greedy(prompt_tokens, ++seed_, 4));
    return most_rows;
  }

  files::Scratch scratch;
  power::Clock::time_point now = power::Clock::now();
  std::shared_ptr<power::Governor> governor;
  std::unique_ptr<Engine> engine;
  int seed_ = 1000;
};

TEST_F(Power, LimitsRowsAndThreadsFromTheNextStepOn) {
  EXPECT_EQ(rows_of(300), 300);
  EXPECT_EQ(threads, 1);
  feed("Discharging", "60");
  look();
  EXPECT_EQ(rows_of(300), 128);
  EXPECT_EQ(threads, 0.5);
  feed("Discharging", "10");
  look();
  EXPECT_EQ(rows_of(300), 64);
  EXPECT_EQ(threads, 0.25);
  feed("Full", "100");
  look();
  EXPECT_EQ(rows_of(300), 300);
  EXPECT_EQ(threads, 1);
}

TEST_F(Power, RestsBetweenStepsOnlyToKeepACeiling) {
  feed("Discharging", "60");
  look();
  alone(*engine, greedy(5, 1, 40));
  EXPECT_EQ(engine->stats().rested_s, 0);
  heat("99000");
  for (int i = 0; i < 8; ++i) look();
  const double share = governor->limits().share;
  EXPECT_LT(share, 0.5);
  step_time = 5ms;  // long beside what a wait takes too long
  const EngineStats before = engine->stats();
  alone(*engine, greedy(5, 1, 30));
  const EngineStats after = engine->stats();
  const double worked = after.busy_s - before.busy_s, rested = after.rested_s - before.rested_s;
  EXPECT_GE(rested, 0.8 * worked * (1 / share - 1)) << "the last step has no rest behind it";
  EXPECT_LE(rested, 1.5 * worked * (1 / share - 1));
}

TEST_F(Power, LimitsTheLaneForPromptsToo) {
  engine = Engine::load(kModel, {.device = "cpu", .prefill_device = "asked", .threads = 4, .power = governor});
  EXPECT_EQ(rows_of(300), 288);
  EXPECT_EQ(threads, 0.5) << "half are the main lane's";
  feed("Discharging", "10");
  look();
  EXPECT_EQ(rows_of(300), 64);
  EXPECT_EQ(threads, 0.125);
  heat("99000");
  for (int i = 0; i < 20; ++i) look();
  step_time = 20ms;
  const auto begin = power::Clock::now();
  rows_of(300);
  EXPECT_GE(power::Clock::now() - begin, 4 * 20ms / governor->limits().share) << "a rest behind each step but the last";
}

// Limits change in the middle of many answers, all the time.
TEST_F(Power, ChangesNobodysTokens) {
  const auto expected = all_alone(*engine, 8);
  std::jthread weather([&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) {
      feed(i % 3 == 0 ? "Full" : "Discharging", i % 3 == 1 ? "10" : "60");
      heat(i % 2 ? "99000" : "30000");
      look();
      std::this_thread::sleep_for(1ms);
    }
  });
  for (int round = 0; round < 20; ++round) expect_together(*engine, expected);
}

TEST_F(Power, CompilesNothingThatPromptsOfThoseLengthsDidNot) {
  for (const int tokens : {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 512}) rows_of(tokens);
  const int before = compiled;
  for (const char* charge : {"60", "10"}) {
    feed("Discharging", charge);
    look();
    rows_of(300);
  }
  EXPECT_EQ(compiled, before);
}

TEST_F(Power, StopsWhileItRests) {
  feed("Discharging", "10");
  heat("99000");
  for (int i = 0; i < 20; ++i) look();
  Client client;
  client.start(*engine, greedy(5, 1, 1000));
  while (engine->stats().steps < 3) std::this_thread::sleep_for(1ms);
  engine.reset();
  client.wait();
}

}  // namespace
}  // namespace troika::engine
