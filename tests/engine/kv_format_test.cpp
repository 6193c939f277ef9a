// What the cache's number format costs: the embedded model's distributions over its held-out chats with the cache in
// f16, q8_0 and q4_0, against f32.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "engine/cache_plan.h"
#include "engine/engine.h"

namespace troika::engine {
namespace {

using ::testing::HasSubstr;

const std::filesystem::path kSource = TROIKA_SOURCE_DIR;
const std::filesystem::path kModel = kSource / "models/troika-mini.gguf";

// Each chat with its answer; every tenth prompt is ten of them in a row.
std::vector<std::vector<int32_t>> prompts(const Engine& engine) {
  auto chats = nlohmann::ordered_json::parse(std::ifstream(kSource / "tests/embedded/heldout.json"));
  std::vector<std::vector<int32_t>> all(1);
  for (size_t i = 0; i < 30; ++i) {
    auto messages = chats[i * 6]["messages"];
    messages.push_back({{"role", "assistant"}, {"content", chats[i * 6]["answer"]}});
    std::string text = engine.text().render({{"messages", messages}, {"add_generation_prompt", false}});
    std::vector<int32_t> ids = engine.text().tokenizer->encode(text, {.parse_special = true});
    all[0].insert(all[0].end(), ids.begin(), ids.end());
    all.push_back(std::move(ids));
    if (i % 10 != 9) continue;
    all.push_back(std::move(all[0]));
    all[0].clear();
  }
  all.erase(all.begin());
  return all;
}

// log softmax after every token of a prompt, one row behind the other
std::vector<double> log_probabilities(Engine& engine, const std::vector<int32_t>& prompt) {
  std::vector<double> all;
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  Request request{.prompt = prompt};
  request.prompt_logits = [&](int, std::span<const float> row) {
    double sum = 0, largest = row[0];
    for (float x : row) largest = std::max<double>(largest, x);
    for (float x : row) sum += std::exp(x - largest);
    for (float x : row) all.push_back(x - largest - std::log(sum));
  };
  engine.submit(std::move(request), [&](const Event& event) {
    std::lock_guard lock(mutex);
    done = event.finish != Finish::none;
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return done; });
  return all;
}

// Greedy tokens for each prompt, all asked for at once.
std::vector<std::vector<int32_t>> answers(Engine& engine, const std::vector<std::vector<int32_t>>& prompts) {
  std::vector<std::vector<int32_t>> all(prompts.size());
  std::mutex mutex;
  std::condition_variable changed;
  size_t done = 0;
  for (size_t i = 0; i < prompts.size(); ++i) {
    Request request{.prompt = prompts[i], .max_tokens = 16, .sampling = {.temperature = 0}};
    request.stop_at_end_tokens = false;
    engine.submit(std::move(request), [&, i](const Event& event) {
      std::lock_guard lock(mutex);
      if (event.token >= 0) all[i].push_back(event.token);
      done += event.finish != Finish::none;
      changed.notify_all();
    });
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return done == prompts.size(); });
  return all;
}

using Distributions = std::vector<std::vector<double>>;  // by prompt

Distributions distributions(const char* kv, bool float32) {
  EngineOptions options{.threads = 2, .kv = kv};
  options.float32 = float32;
  auto engine = Engine::load(kModel, options);
  Distributions all;
  for (const auto& prompt : prompts(*engine)) all.push_back(log_probabilities(*engine, prompt));
  return all;
}

// Mean Kullback-Leibler divergence of q from p, in nats a token.
double divergence(const Distributions& p, const Distributions& q) {
  constexpr size_t kVocabulary = 8192;
  double sum = 0;
  size_t values = 0;
  EXPECT_EQ(p.size(), q.size());
  for (size_t i = 0; i < p.size(); ++i) {
    EXPECT_EQ(p[i].size(), q[i].size());
    for (size_t j = 0; j < p[i].size(); ++j) sum += std::exp(p[i][j]) * (p[i][j] - q[i][j]);
    values += p[i].size();
  }
  EXPECT_GT(values, 1000 * kVocabulary);
  return sum / (double(values) / kVocabulary);
}

// With int8 activations the smallest difference moves some of them by a step: what that costs is in both figures.
TEST(KvFormat, CostsLittle) {
  for (bool float32 : {true, false}) {
    Distributions exact = distributions("f32", float32);
    double half = divergence(exact, distributions("f16", float32));
    double eight = divergence(exact, distributions("q8_0", float32));
    double four = divergence(exact, distributions("q4_0", float32));
    std::printf("nats a token%s: f16 %.1e, q8_0 %.1e, q4_0 %.1e\n", float32 ? " in float32" : "", half, eight, four);
    EXPECT_LT(half, float32 ? 1e-5 : 1e-3);
    EXPECT_GT(eight, half);  // it is another cache indeed
    EXPECT_LT(eight, 1e-3);
    EXPECT_GT(four, eight);
    EXPECT_LT(four, 5e-2);
  }
}

// However prompts are cut and batched, on any number of threads, and taken over from the cache.
TEST(KvFormat, GivesTheSameTokensInAnyCompany) {
  for (const char* kv : {"q8_0", "q4_0"}) {
    auto one = Engine::load(kModel, {.threads = 1, .kv = kv}), three = Engine::load(kModel, {.threads = 3, .kv = kv});
    std::vector<std::vector<int32_t>> asked = prompts(*one), alone;
    asked.resize(11);  // the last is ten in a row
    for (const auto& prompt : asked) alone.push_back(answers(*one, {prompt})[0]);
    EXPECT_EQ(answers(*three, asked), alone) << kv;
    EXPECT_EQ(answers(*three, asked), alone) << kv << ", from the cache";
  }
}

TEST(KvFormat, IsNamedByTheUser) {
  EXPECT_EQ(cache_format("f16", 24), Format::f16);
  EXPECT_EQ(cache_format("f32", 24), Format::f32);
  EXPECT_EQ(cache_format("q8_0", 64), Format::q8_0);
  EXPECT_EQ(cache_format("q4_0", 96), Format::q4_0);
  auto message = [](const char* name, int head_dim) -> std::string {
    try {
      cache_format(name, head_dim);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message("q8_0", 80), HasSubstr("--kv q8_0: this model's heads have 80 values, not a multiple of 32"));
  EXPECT_THAT(message("q4_0", 80), HasSubstr("--kv q4_0: this model's heads have 80 values, not a multiple of 32"));
  EXPECT_THAT(message("q5_1", 64), HasSubstr("--kv q5_1: the cache can be f16, f32, q8_0 or q4_0"));
}

}  // namespace
}  // namespace troika::engine
