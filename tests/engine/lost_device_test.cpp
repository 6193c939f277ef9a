// A device that stops answering: the engine goes on with the others, and who asked gets all tokens, none twice.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "device/device.h"
#include "device/plain_top.h"
#include "engine/clients.h"
#include "engine/handing_on.h"
#include "engine/held.h"
#include "engine/twin.h"

namespace troika::engine {
namespace {

const std::filesystem::path kModel = std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens/qwen2-tied";

std::atomic<int> steps_left = 0;

class Fails : public device::Executable {
 public:
  explicit Fails(std::unique_ptr<device::Executable> inner) : inner_(std::move(inner)) {}
  void submit() override {
    if (steps_left-- <= 0) throw device::DeviceLost("the GPU was lost");
    inner_->submit();
  }
  void wait() override { inner_->wait(); }

 private:
  std::unique_ptr<device::Executable> inner_;
};

// Computes as the CPU does until `steps_left` are over.
class Failing : public HandsOn {
 public:
  explicit Failing(const device::DeviceOptions& options) : HandsOn(device::make_device("cpu", options)) {}
  std::unique_ptr<device::Executable> compile(const device::Segment& segment) override {
    return std::make_unique<Fails>(HandsOn::compile(segment));
  }
};

// Can be had once; then another process has it, say.
std::unique_ptr<device::Device> open_once(const device::DeviceOptions& options) {
  static std::atomic<bool> was_had = false;
  if (was_had.exchange(true)) fail("it is in use");
  return std::make_unique<HandsOn>(device::make_device("cpu", options));
}

std::unique_ptr<Engine> load_failing(int steps, const std::string& list = "failing", const std::string& place = "") {
  static const bool added = [] {
    device::add_backend({"failing", [](const device::DeviceOptions& o) { return std::make_unique<Failing>(o); }});
    device::add_backend({"once", open_once});
    return true;
  }();
  EXPECT_TRUE(added);
  add_twin();
  steps_left = steps;
  EngineOptions options{.device = list, .threads = 2};
  options.place = place;
  return Engine::load(kModel, options);
}

Request request(int i) {
  Request r{.prompt = {}, .max_tokens = 40, .sampling = {.temperature = i % 2 ? 1.0f : 0.0f, .seed = uint64_t(i)}};
  for (int t = 0; t < 5 + 20 * i; ++t) r.prompt.push_back((t * 7 + i) % 97);
  return r;
}

// The device is lost while all of these are answered, which nobody notices.
void expect_nobody_notices(Engine& engine, const std::function<Request(int)>& request,
                           const std::vector<std::vector<int32_t>>& expected, const std::string& when,
                           const std::string& lost) {
  std::vector<Client> clients(expected.size());
  {
    Held held(engine);
    for (size_t i = 0; i < clients.size(); ++i) clients[i].start(engine, request(int(i)));
  }
  for (size_t i = 0; i < clients.size(); ++i) EXPECT_EQ(clients[i].wait(), expected[i]) << i << ", lost at " << when;
  EXPECT_EQ(engine.stats().lost_device, lost);
  EXPECT_EQ(engine.stats().failed, 0);
}

TEST(LostDevice, LosesNoRequestAndNoToken) {
  auto cpu = Engine::load(kModel, {.threads = 2});
  std::vector<std::vector<int32_t>> expected;
  for (int i = 0; i < 5; ++i) expected.push_back(alone(*cpu, request(i)));
  for (int steps : {0, 1, 7, 30}) {
    auto engine = load_failing(steps);
    expect_nobody_notices(*engine, request, expected, fmt::format("step {}", steps), "failing");
    EXPECT_EQ(engine->stats().device, "cpu");
    EXPECT_EQ(alone(*engine, request(2)), expected[2]) << "whoever comes later";
  }
}

TEST(LostDevice, LeavesItsWorkToTheRestOfTheList) {
  auto cpu = Engine::load(kModel, {.threads = 2});
  std::vector<std::vector<int32_t>> expected;
  for (int i = 0; i < 5; ++i) expected.push_back(alone(*cpu, request(i)));
  for (int submissions : {0, 1, 40}) {
    auto engine = load_failing(submissions, "twin,failing", "linear=failing,0:attend=cpu");
    EXPECT_THAT(engine->stats().device, ::testing::HasSubstr("twin: "));
    expect_nobody_notices(*engine, request, expected, fmt::format("submission {}", submissions), "failing");
    EXPECT_THAT(engine->stats().device, ::testing::StartsWith("twin: ")) << "and the pin that is left holds";
    EXPECT_THAT(engine->stats().device, ::testing::EndsWith("cpu: 2 ops"));
  }
}

TEST(LostDevice, LeavesItsWorkToTheCpuWhereTheRestCannotTakeIt) {
  auto cpu = Engine::load(kModel, {.threads = 2});
  std::vector<std::vector<int32_t>> expected;
  for (int i = 0; i < 5; ++i) expected.push_back(alone(*cpu, request(i)));
  auto engine = load_failing(40, "failing,once", "1:attend=once");
  expect_nobody_notices(*engine, request, expected, "submission 40", "failing");
  EXPECT_EQ(engine->stats().device, "cpu");
}

class Full : public Failing {
 public:
  explicit Full(const device::DeviceOptions& options) : Failing(options), info_(Failing::info()) { info_.free_bytes = 1000; }
  const device::DeviceInfo& info() const override { return info_; }

 private:
  device::DeviceInfo info_;
};

TEST(LostDevice, IsNotRiskedWhereTheWeightsDoNotFit) {
  device::add_backend({"full", [](const device::DeviceOptions& o) { return std::make_unique<Full>(o); }});
  try {
    Engine::load(kModel, {.device = "full", .threads = 2});
    FAIL() << "it was loaded";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("but only 0 MB are free on"));
  }
}

// Finds the largest logits, and is lost when it is asked for a whole row for the `rows_left`-th time.
std::atomic<int> rows_left = 0;

class FailsToFetch : public device::Executable {
 public:
  FailsToFetch(std::unique_ptr<device::Executable> inner, const device::Segment& segment)
      : inner_(std::move(inner)),
        inputs_(*segment.inputs),
        logits_(reinterpret_cast<float*>(segment.arena->host() + segment.offsets[segment.program->logits.id])),
        columns_(size_t((*segment.program)[segment.program->logits].shape.columns())) {}
  void submit() override { inner_->submit(); }
  void wait() override { inner_->wait(); }
  const device::TopLogits* top(int row) const override {
    const size_t place = size_t(row);
    top_ = device::plain_top({logits_ + place * columns_, columns_}, inputs_.drawable, inputs_.wanted[place].factor);
    return &top_;
  }
  void fetch(int) override {
    if (rows_left-- <= 0) throw device::DeviceLost("the GPU was lost");
  }

 private:
  const std::unique_ptr<device::Executable> inner_;
  const ops::StepInputs& inputs_;
  const float* logits_;
  const size_t columns_;
  mutable device::TopLogits top_;
};

class FailingToFetch : public Failing {
 public:
  using Failing::Failing;
  std::unique_ptr<device::Executable> compile(const device::Segment& segment) override {
    return std::make_unique<FailsToFetch>(Failing::compile(segment), segment);
  }
};

TEST(LostDevice, LosesNoTokenWhenItIsLostWhileItBringsARow) {
  device::add_backend({"fetches", [](const device::DeviceOptions& o) { return std::make_unique<FailingToFetch>(o); }});
  const auto often_needs_rows = [](int i) {
    Request r = request(i);
    r.sampling = {.temperature = 3, .top_p = 0.9f, .seed = uint64_t(i)};
    r.logprobs = i % 2;
    return r;
  };
  auto cpu = Engine::load(kModel, {.threads = 2});
  std::vector<std::vector<int32_t>> expected;
  size_t prompts = 0;
  for (int i = 0; i < 5; ++i) {
    expected.push_back(alone(*cpu, often_needs_rows(i)));
    prompts += often_needs_rows(i).prompt.size();
  }
  for (int rows : {0, 1, 7, 30}) {
    steps_left = 1 << 20;
    rows_left = rows;
    auto engine = Engine::load(kModel, {.device = "fetches", .threads = 2});
    expect_nobody_notices(*engine, often_needs_rows, expected, fmt::format("row {}", rows), "fetches");
    EXPECT_EQ(size_t(engine->stats().prompt_tokens), prompts + 1) << "counted once, lost at row " << rows;  // 1: Held
  }
}

TEST(LostDevice, IsNotSaidOfOneThatAnswers) {
  auto engine = load_failing(1 << 20);
  alone(*engine, request(1));
  EXPECT_EQ(engine->stats().lost_device, "");
}

}  // namespace
}  // namespace troika::engine
