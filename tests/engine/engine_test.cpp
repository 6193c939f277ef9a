// The engine on golden models: what a request gets must not depend on who runs beside it, on the order, on the
// number of threads, or on running out of cache.
#include "engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include "base/error.h"
#include "engine/clients.h"
#include "engine/held.h"
#include "ops/step_inputs.h"

namespace troika::engine {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const std::filesystem::path kModel = std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens/qwen2-tied";

TEST(Engine, GivesARequestTheSameTokensAloneAndAmongOthers) {
  for (bool float32 : {false, true}) {
    auto engine = Engine::load(kModel, {.threads = 2, .float32 = float32});
    expect_together(*engine, all_alone(*engine, 12));
  }
}

TEST(Engine, GivesTheSameTokensWithAnyNumberOfThreads) {
  auto one = Engine::load(kModel, {.threads = 1}), three = Engine::load(kModel, {.threads = 3});
  EXPECT_EQ(all_alone(*one, 6), all_alone(*three, 6));
}

TEST(Engine, GivesTheSameTokensWithInt8Weights) {
  auto engine = Engine::load(kModel, {.threads = 2, .quantise = "q8_0"});
  expect_together(*engine, all_alone(*engine, 12));
}

TEST(Engine, GivesTheSameTokensWhenTheCacheRunsOutAndSequencesStartOver) {
  constexpr int kCount = 5, kPrompt = ops::kPageTokens - 1;  // all need their second page in the same step
  auto request = [](int i) { return i % 2 ? sampled(kPrompt, i, 60) : greedy(kPrompt, i, 60); };
  auto roomy = Engine::load(kModel, {.threads = 2});
  size_t page = size_t{ops::kPageTokens} * 3 * 2 * 32 * sizeof(float);  // P tokens × 3 layers × (K and V) × G·D
  auto tight = Engine::load(kModel, {.threads = 2, .context = 128, .kv_bytes = kCount * page});
  ASSERT_EQ(tight->stats().pages_total, kCount);
  std::vector<Client> clients(kCount);
  {
    Held held(*tight);
    for (int i = 0; i < kCount; ++i) clients[i].start(*tight, request(i));
  }
  for (int i = 0; i < kCount; ++i) EXPECT_EQ(clients[i].wait(), alone(*roomy, request(i))) << "request " << i;
  EXPECT_GT(tight->stats().preemptions, 0);
  EXPECT_EQ(tight->stats().pages_free, tight->stats().pages_total);
}

TEST(Engine, FreesACancelledSequenceAndLeavesTheOthersAlone) {
  auto engine = Engine::load(kModel, {.threads = 2});
  auto expected = all_alone(*engine, 10);
  std::vector<Client> clients(10);
  for (int i = 0; i < 10; ++i) clients[i].start(*engine, mixed(i), i % 3 == 0 ? 7 : -1);
  for (int i = 0; i < 10; ++i) {
    auto tokens = clients[i].wait();
    if (i % 3 == 0) {
      EXPECT_EQ(clients[i].last().finish, Finish::cancelled);
      EXPECT_LE(tokens.size(), 9u);
    } else {
      EXPECT_EQ(tokens, expected[i]);
    }
  }
  EXPECT_EQ(engine->stats().pages_free, engine->stats().pages_total);
  EXPECT_EQ(engine->stats().running, 0);
}

TEST(Engine, CountsTokensWaitsGapsAndEndings) {
  auto engine = Engine::load(kModel, {.threads = 2});
  constexpr int kCount = 3, kPrompt = 2 * ops::kPageTokens + 5, kTokens = 9;
  for (int i = 0; i < kCount; ++i) alone(*engine, greedy(kPrompt, 0, kTokens));  // the same prompt each time
  Client cancelled;
  cancelled.start(*engine, greedy(7, 1, 100), 4);
  cancelled.wait();

  const EngineStats stats = engine->stats();
  EXPECT_EQ(stats.limited, kCount);
  EXPECT_EQ(stats.cancelled, 1);
  EXPECT_EQ(stats.stopped + stats.failed, 0);
  EXPECT_EQ(stats.prompt_tokens, kCount * kPrompt + 7);
  EXPECT_GE(stats.cached_tokens, (kCount - 1) * 2 * ops::kPageTokens);
  EXPECT_EQ(stats.first_token_seconds.count(), kCount + 1);
  EXPECT_EQ(stats.queued_seconds.count(), kCount + 1);
  EXPECT_EQ(stats.request_seconds.count(), kCount + 1);
  EXPECT_GE(stats.request_seconds.sum, stats.first_token_seconds.sum);
  EXPECT_EQ(stats.gap_seconds.count(), stats.generated_tokens - (kCount + 1)) << "none before a first token";
  EXPECT_EQ(stats.step_seconds.count(), stats.steps);
  EXPECT_GT(stats.busy_s, 0);
  EXPECT_NEAR(stats.busy_s, stats.step_seconds.sum, 1e-6) << "without pictures steps are all that the device does";
  EXPECT_EQ(stats.step_rows.count(), stats.steps);
  const int64_t drawn_and_computed = stats.generated_tokens - kCount;  // a last token is not computed
  EXPECT_NEAR(stats.step_rows.sum, double(stats.prompt_tokens - stats.cached_tokens + drawn_and_computed), 1);
}

TEST(Engine, ContinuesAChatFromTheCacheOfItsLastTurnWithTheSameTokens) {
  auto engine = Engine::load(kModel, {.threads = 2}), fresh = Engine::load(kModel, {.threads = 2});
  Client first, second;
  first.start(*engine, greedy(70, 1, 30));
  Request turn = greedy(70, 1, 30);
  for (int32_t token : first.wait()) turn.prompt.push_back(token);
  turn.prompt.push_back(5);
  second.start(*engine, turn);
  EXPECT_EQ(second.wait(), alone(*fresh, turn));
  EXPECT_EQ(second.last().timings.reused_tokens, 99);  // all but the last token of the answer was computed
}

// Models with one page group, and with windows.
class SharedText : public ::testing::TestWithParam<const char*> {};

TEST_P(SharedText, IsAnsweredAsIfEachWereAlone) {
  const auto path = std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens" / GetParam();
  expect_shared_text([&] { return Engine::load(path, {.threads = 2}); });
}

INSTANTIATE_TEST_SUITE_P(Models, SharedText, ::testing::Values("qwen2-tied", "gemma3", "gemma3n"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(Engine, TellsHowMuchIsInPlaceWhileItIsLoaded) {
  std::vector<double> shares;
  Engine::load(kModel, {.threads = 1}, [&](double share) { shares.push_back(share); });
  ASSERT_GT(shares.size(), 10u);
  EXPECT_GT(shares.front(), 0);
  EXPECT_TRUE(std::ranges::is_sorted(shares));
  EXPECT_DOUBLE_EQ(shares.back(), 1);
}

TEST(Engine, EndsWhatRunsWhenItIsDestroyed) {
  Client client, waiting;
  auto engine = Engine::load(kModel, {.threads = 1});
  client.start(*engine, greedy(10, 1, 1000));
  waiting.start(*engine, greedy(500, 2, 500));
  engine.reset();
  client.wait();
  waiting.wait();
  EXPECT_EQ(client.last().finish, Finish::cancelled);
}

TEST(Engine, StopsWhenTheContextIsFull) {
  auto engine = Engine::load(kModel, {.threads = 2, .context = 64});
  Client client;
  client.start(*engine, greedy(60, 1, 0));
  EXPECT_EQ(client.wait().size(), 4u);
  EXPECT_EQ(client.last().finish, Finish::length);
  EXPECT_EQ(client.last().timings.prompt_tokens, 60);
  EXPECT_EQ(client.last().timings.generated_tokens, 4);
}

std::string refusal(Engine& engine, Request request) {
  try {
    engine.submit(std::move(request), [](const Event&) { ADD_FAILURE() << "no event was due"; });
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Engine, RefusesWhatItCannotServeAndSaysWhy) {
  auto engine = Engine::load(kModel, {.threads = 1, .context = 64});
  EXPECT_THAT(refusal(*engine, {}), HasSubstr("empty"));
  EXPECT_THAT(refusal(*engine, greedy(64, 1, 0)), HasSubstr("64"));
  EXPECT_THAT(refusal(*engine, greedy(60, 1, 5)), HasSubstr("60 tokens and 5 more"));
  EXPECT_THAT(refusal(*engine, {.prompt = {331}, .max_tokens = 1}), HasSubstr("331"));
  EXPECT_THAT(refusal(*engine, {.prompt = {-1}, .max_tokens = 1}), HasSubstr("-1"));
  EXPECT_THAT(refusal(*engine, {.prompt = {1}, .max_tokens = -1}), HasSubstr("max_tokens"));
  EXPECT_THAT(refusal(*engine, {.prompt = {1}, .max_tokens = 1, .sampling = {.logit_bias = {{400, 1}}}}), HasSubstr("400"));
}

TEST(Engine, GivesLogprobsThatAreOfTheSoftmax) {
  auto engine = Engine::load(kModel, {.threads = 2});
  std::vector<float> logits;
  Request request = greedy(9, 3, 1);
  request.logprobs = true;
  request.top_logprobs = 5;
  request.prompt_logits = [&](int position, std::span<const float> row) {
    if (position == 8) logits.assign(row.begin(), row.end());
  };
  Client client;
  client.start(*engine, request);
  auto tokens = client.wait();
  ASSERT_EQ(logits.size(), 331u);
  double sum = 0;
  for (float l : logits) sum += std::exp(double(l));
  EXPECT_NEAR(client.last().logprob, logits[tokens[0]] - std::log(sum), 1e-4);
  ASSERT_EQ(client.last().top.size(), 5u);
  EXPECT_EQ(client.last().top[0].id, tokens[0]);
  EXPECT_GE(client.last().top[3].logprob, client.last().top[4].logprob);
}

TEST(Engine, SaysWhatIsWrongWithAModelBeforeItRuns) {
  auto message = [](const std::filesystem::path& path, const EngineOptions& options) -> std::string {
    try {
      Engine::load(path, options);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message("/nonexistent.gguf", {}), HasSubstr("/nonexistent.gguf"));
  EXPECT_THAT(message(kModel, {.device = "abacus"}), HasSubstr("abacus"));
  EXPECT_THAT(message(kModel, {.quantise = "q9_z"}), HasSubstr("q9_z"));
  EXPECT_THAT(message(kModel, {.quantise = "iq2_s"}), HasSubstr("--quant iq2_s: Troika reads this format but does not"));
  EXPECT_THAT(message(kModel, {.kv = "q3"}), HasSubstr("q3"));
}

}  // namespace
}  // namespace troika::engine
