// Two lanes: prompts are read by devices of their own while others generate, and nobody's tokens change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "device/vulkan_here.h"
#include "engine/clients.h"
#include "engine/first_choice.h"
#include "engine/gated.h"
#include "engine/prefill_lane.h"
#include "engine/told_logits.h"

namespace troika::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const std::filesystem::path kGoldens = std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens";
constexpr const char* kMini = "../../models/troika-mini.gguf";
constexpr int P = ops::kPageTokens;

struct Pair {
  const char* model = "qwen2-tied";
  const char* prefill = "cpu";  // "": one lane
  const char* kv = "auto";
  const char* device = "cpu";
  const char* quantise = "";
  bool float32 = false;
  size_t kv_bytes = 0;
  int from = P;
};

std::unique_ptr<Engine> load(const Pair& lanes) {
  return Engine::load(kGoldens / lanes.model, {.device = lanes.device,
                                               .prefill_device = lanes.prefill,
                                               .prefill_from = lanes.from,
                                               .threads = 2,
                                               .context = 1024,
                                               .kv = lanes.kv,
                                               .float32 = lanes.float32,
                                               .quantise = lanes.quantise,
                                               .kv_bytes = lanes.kv_bytes});
}

Request request(int tokens, int seed, int generate = 12) {
  Request r = seed % 2 ? sampled(tokens, seed, generate) : greedy(tokens, seed, generate);
  for (int32_t& id : r.prompt) id %= 97;
  r.stop_at_end_tokens = false;
  return r;
}

// Of a prompt, by the lane for prompts.
int lane_tokens(int prompt_tokens) { return (prompt_tokens - 1) / P * P; }

Request eight(int i) { return request(40 + 60 * i, i); }

std::vector<std::vector<int32_t>> each_alone(const std::function<std::unique_ptr<Engine>()>& load, int count) {
  std::vector<std::vector<int32_t>> tokens;
  for (int i = 0; i < count; ++i) tokens.push_back(alone(*load(), eight(i)));
  return tokens;
}

void expect_tokens(Engine& engine, const std::vector<std::vector<int32_t>>& expected) {
  std::vector<Client> clients(expected.size());
  for (size_t i = 0; i < clients.size(); ++i) clients[i].start(engine, eight(int(i)));
  for (size_t i = 0; i < clients.size(); ++i) EXPECT_EQ(clients[i].wait(), expected[i]) << "request " << i;
}

class SameArithmetic : public ::testing::TestWithParam<Pair> {
 protected:
  static std::unique_ptr<Engine> load_one() {
    Pair one = GetParam();
    one.prefill = "";
    return load(one);
  }
  static std::unique_ptr<Engine> load_two() { return load(GetParam()); }
};

TEST_P(SameArithmetic, GivesTheTokensOfOneLaneUnderLoad) {
  const auto expected = each_alone(load_one, 8);
  auto two = load_two();
  expect_tokens(*two, expected);
  int tokens = 0;
  for (int i = 0; i < 8; ++i) tokens += lane_tokens(40 + 60 * i);
  const EngineStats stats = two->stats();
  EXPECT_EQ(stats.lane_prompts, 8);
  EXPECT_EQ(stats.lane_tokens, tokens);
  EXPECT_EQ(stats.lane_computed_tokens, tokens);
  EXPECT_GT(stats.lane_busy_s, 0);
  EXPECT_EQ(stats.cached_tokens, 0);
  expect_tokens(*two, expected);  // what is cached by now is taken from there
  EXPECT_EQ(two->stats().lane_prompts, 8);
  EXPECT_GE(two->stats().cached_tokens, tokens);
}

TEST_P(SameArithmetic, SharesTexts) { expect_shared_text(load_two); }

TEST_P(SameArithmetic, GoesOnBehindWhatIsCached) {
  auto one = load_one(), two = load_two();
  const Request first = request(200, 1);
  alone(*two, first);
  for (int common : {1, P - 1, 2 * P, 4 * P + 5, 6 * P}) {
    Request second = request(300, 2 + common);
    std::copy_n(first.prompt.begin(), common, second.prompt.begin());
    second.prompt[common] = (first.prompt[common] + 1) % 97;
    const int64_t before = two->stats().lane_computed_tokens;
    EXPECT_EQ(alone(*two, second), alone(*one, second)) << common;
    // Of models with a window it may begin at the first token again.
    const int64_t computed = two->stats().lane_computed_tokens - before;
    EXPECT_THAT(computed, ::testing::AnyOf(lane_tokens(300) - common / P * P, lane_tokens(300))) << common;
  }
}

TEST_P(SameArithmetic, GivesTheTokensOfOneLaneWhenTheCacheIsFull) {
  const auto expected = each_alone(load_one, 8);
  Pair full = GetParam();
  full.kv_bytes = 1;  // room for one sequence of the whole context, or little more
  auto two = load(full);
  for (int round = 0; round < 3; ++round) expect_tokens(*two, expected);
}

INSTANTIATE_TEST_SUITE_P(Models, SameArithmetic,
                         ::testing::Values(Pair{}, Pair{.kv = "f16", .quantise = "q4_0"}, Pair{.model = kMini, .kv = "q8_0"},
                                           Pair{.model = kMini, .kv = "q4_0"}, Pair{.model = "gemma2"},
                                           Pair{.model = "gemma3"}, Pair{.model = "gemma3n"}),
                         [](const auto& i) {
                           std::string name = std::filesystem::path(i.param.model).stem().string();
                           name += fmt::format("_{}_{}", i.param.kv, i.param.quantise);
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(TwoLanes, GenerateWhileAPromptIsRead) {
  add_gated();
  auto one = load({.prefill = ""}), two = load({.prefill = "gated"});
  gate().shut();
  Client reader;
  reader.start(*two, request(400, 1));
  gate().wait_for_somebody();
  const int64_t steps = two->stats().steps;
  EXPECT_EQ(alone(*two, request(20, 2, 50)), alone(*one, request(20, 2, 50)));
  EXPECT_GE(two->stats().steps - steps, 50);
  EXPECT_EQ(two->stats().lane_prompts, 0);
  gate().open();
  EXPECT_EQ(reader.wait(), alone(*one, request(400, 1)));
  EXPECT_EQ(two->stats().lane_prompts, 1);
}

TEST(TwoLanes, TakeWhatIsLongEnoughOnly) {
  auto two = load({.from = 4 * P});
  alone(*two, request(4 * P, 1));
  EXPECT_EQ(two->stats().lane_prompts, 0);
  alone(*two, request(4 * P + 1, 2));
  EXPECT_EQ(two->stats().lane_prompts, 1);
  logits(*two, request(300, 3).prompt);  // all of which the main lane must see
  EXPECT_EQ(two->stats().lane_prompts, 1);
  Request longer = request(4 * P + 1, 2);
  for (int i = 0; i < 3 * P; ++i) longer.prompt.push_back(i);
  alone(*two, longer);
  EXPECT_EQ(two->stats().lane_prompts, 1) << "but three pages are cached";
}

TEST(TwoLanes, ReadACommonPromptOnce) {
  add_gated();
  auto one = load({.prefill = ""}), two = load({.prefill = "gated"});
  const auto expected = alone(*one, request(300, 2));
  gate().shut();
  std::vector<Client> clients(3);
  for (Client& client : clients) client.start(*two, request(300, 2));
  gate().wait_for_somebody();
  gate().open();
  for (Client& client : clients) EXPECT_EQ(client.wait(), expected);
  EXPECT_EQ(two->stats().lane_prompts, 1);
  EXPECT_EQ(two->stats().lane_computed_tokens, lane_tokens(300));
}

TEST(TwoLanes, ForgetWhoHangsUpOnTheWay) {
  add_gated();
  auto one = load({.prefill = ""}), two = load({.prefill = "gated"});
  gate().shut();
  std::promise<Event> ended;
  const uint64_t id = two->submit(request(900, 1), [&](const Event& event) { ended.set_value(event); });
  gate().wait_for_somebody();
  two->cancel(id);
  EXPECT_EQ(ended.get_future().get().finish, Finish::cancelled);  // the lane is still shut
  Client next;
  next.start(*two, request(300, 2));
  gate().open();
  EXPECT_EQ(next.wait(), alone(*one, request(300, 2)));
  EXPECT_EQ(two->stats().lane_prompts, 1);
  EXPECT_EQ(two->stats().lane_computed_tokens, 512 + lane_tokens(300)) << "no more than the step that was on its way";
}

TEST(TwoLanes, GoOnAsOneWhenThatForPromptsIsLost) {
  const auto expected = each_alone([] { return load({.prefill = ""}); }, 8);
  for (int steps : {0, 1, 5}) {
    add_gated();
    auto two = load({.prefill = "gated"});
    gate().fail_after(steps);
    expect_tokens(*two, expected);
    const EngineStats stats = two->stats();
    EXPECT_TRUE(stats.lane_lost);
    EXPECT_EQ(stats.lane_prompts, steps);
    EXPECT_EQ(stats.failed, 0);
    EXPECT_EQ(alone(*two, request(200, 20)), alone(*load({.prefill = ""}), request(200, 20)));
  }
}

TEST(TwoLanes, GoOnWhenTheMainOneIsLost) {
  const auto expected = each_alone([] { return load({.prefill = ""}); }, 8);
  for (int steps : {0, 3, 20}) {
    add_gated();
    auto two = load({.device = "gated"});
    gate().fail_after(steps);
    expect_tokens(*two, expected);
    EXPECT_EQ(two->stats().lost_device, "gated");
    EXPECT_FALSE(two->stats().lane_lost);
    EXPECT_EQ(two->stats().failed, 0);
  }
}

TEST(TwoLanes, EndWithAPromptOnItsWay) {
  add_gated();
  auto two = load({.prefill = "gated"});
  gate().shut();
  std::vector<std::promise<Event>> ended(3);
  for (int i = 0; i < 3; ++i) two->submit(request(900, i), [&, i](const Event& event) { ended[i].set_value(event); });
  gate().wait_for_somebody();
  std::jthread ends([&] { two.reset(); });
  for (auto& one : ended) EXPECT_EQ(one.get_future().get().finish, Finish::cancelled);
  gate().open();
}

TEST(TwoLanes, ServeWhoComesFirstByPriorityFirst) {
  add_gated();
  auto two = load({.prefill = "gated"});
  gate().shut();
  std::vector<int> order;
  std::mutex mutex;
  std::vector<std::promise<void>> ended(4);
  for (int i = 0; i < 4; ++i) {
    Request r = request(300, i, 1);
    r.priority = i == 0 ? 0 : 10 - i;  // the first is on its way when the others come
    two->submit(std::move(r), [&, i](const Event&) {
      std::lock_guard lock(mutex);
      order.push_back(i);
      ended[size_t(i)].set_value();
    });
    if (i == 0) gate().wait_for_somebody();
  }
  alone(*two, request(5, 9, 2));  // all are there
  gate().open();
  for (auto& one : ended) one.get_future().wait();
  EXPECT_THAT(order, ::testing::ElementsAre(0, 3, 2, 1));
}

TEST(TwoLanes, RefuseWhatCannotBe) {
  const auto refuses = [](const Pair& lanes, const char* why) {
    EXPECT_THAT([&] { load(lanes); }, ThrowsMessage<Error>(HasSubstr(why))) << lanes.prefill;
  };
  refuses({.prefill = "cpu,cpu"}, "--prefill-device cpu,cpu: a list names each device once");
  refuses({.prefill = "abacus"}, "unknown device \"abacus\"");
  refuses({.prefill = "reference", .kv = "f16"},
          "--prefill-device reference: its cache would be f32 and the main lane's is f16; say --kv, or leave it out");
}

TEST(TwoLanes, RefuseWhatDoesNotFit) {
  LaneRoom room{.weights = 4'000'000'000, .cache = 500'000'000, .free = 4'500'000'000};
  check_lane_room("npu,cpu", room);
  room.free = 4'400'000'000;
  EXPECT_THAT([&] { check_lane_room("npu,cpu", room); },
              ThrowsMessage<Error>("--prefill-device npu,cpu: up to 4000 MB of weights and 500 MB of cache are needed once "
                                   "more, but only 4400 MB of memory are free; use a smaller quantisation or --ctx, or leave "
                                   "it out"));
}

TEST(TwoLanes, ShareTheThreadsOfTheCpuWhereBothUseIt) {
  const auto lanes = [](const char* device, const char* prefill) {
    return lanes_of({.device = device, .prefill_device = prefill, .threads = 8});
  };
  EXPECT_EQ(lanes("cpu", "npu,cpu").cpu_share, 0.5);
  EXPECT_EQ(lanes("vulkan", "npu,cpu").cpu_share, 1);
  EXPECT_EQ(lanes("cpu", "").cpu_share, 1);
  EXPECT_FALSE(lanes("cpu", "cpu").main.pin) << "both would keep their threads on the same cores";
  EXPECT_TRUE(lanes("cpu", "").main.pin);
  for (const char* device : {"cpu", "vulkan"}) EXPECT_EQ(lanes(device, "cpu").prefill.threads, 8) << "it may be left alone";
}

TEST(TwoLanes, AreOneWhereADeviceIsAbsent) {
  device::add_backend({"elsewhere", [](const device::DeviceOptions&) -> std::unique_ptr<device::Device> {
                         throw device::DeviceAbsent("no such device is here");
                       }});
  auto one = load({.prefill = ""}), two = load({.prefill = "elsewhere"});
  EXPECT_EQ(alone(*two, request(300, 1)), alone(*one, request(300, 1)));
  EXPECT_EQ(two->stats().lane_prompts, 0);
  EXPECT_FALSE(two->stats().lane_lost);
}

// Memory that the host does not see, but for activations, which come first.
class Hidden : public HandsOn {
 public:
  explicit Hidden(const device::DeviceOptions& options) : HandsOn(device::make_device("cpu", options)) {}
  std::shared_ptr<device::Buffer> allocate(size_t bytes) override {
    if (std::exchange(is_first_, false)) return HandsOn::allocate(bytes);
    return std::make_shared<Far>();
  }

 private:
  struct Far : device::Buffer {
    size_t size() const override { return 0; }
    std::byte* host() override { return nullptr; }
  };
  bool is_first_ = true;
};

TEST(TwoLanes, RefuseCachesThatTheHostDoesNotSee) {
  device::add_backend({"hidden", [](const device::DeviceOptions& o) { return std::make_unique<Hidden>(o); }});
  EXPECT_THAT([] { load({.prefill = "hidden"}); },
              ThrowsMessage<Error>(HasSubstr("--prefill-device hidden: the host does not see its cache")));
  EXPECT_THAT([] { load({.device = "hidden"}); },
              ThrowsMessage<Error>(HasSubstr("--prefill-device cpu: the host does not see the cache on cpu")));
}

// The NPU's lane rounds in its own way, so all prompts go through it, in whatever company.
void expect_same_alone_and_together(const Pair& lanes) {
  const auto expected = each_alone([&] { return load(lanes); }, 8);
  auto two = load(lanes);
  expect_tokens(*two, expected);
  EXPECT_EQ(two->stats().lane_prompts, 8);
}

TEST(NpuLane, ReadsPromptsWhileTheCpuGenerates) {
  expect_same_alone_and_together({.prefill = "npu,cpu"});
  expect_same_alone_and_together({.model = "qwen2-untied", .prefill = "npu,cpu", .quantise = "q4_0"});
}

TEST(NpuLane, StaysCloseToFloat32) {
  for (const char* quantise : {"", "q8_0", "q4_0"}) {
    auto exact = load({.prefill = "", .quantise = quantise, .float32 = true});
    auto two = load({.prefill = "npu,cpu", .quantise = quantise});
    double sum = 0;
    for (int i = 0; i < 8; ++i) sum += shown_divergence(first_choice(*exact, eight(i)), first_choice(*two, eight(i)));
    EXPECT_EQ(two->stats().lane_prompts, 8);
    RecordProperty(fmt::format("kl_{}", quantise), std::to_string(sum / 8));
    EXPECT_LE(sum / 8, 0.02) << quantise;
  }
}

class NpuLaneOnVulkan : public device::OnVulkan {};

TEST_F(NpuLaneOnVulkan, ReadsPromptsWhileTheGpuGenerates) {
  expect_same_alone_and_together({.prefill = "npu,cpu", .device = "vulkan", .quantise = "q4_0"});
}

}  // namespace
}  // namespace troika::engine
