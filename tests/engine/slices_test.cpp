// Slices of a MatFormer model through the engine: each equals the smaller model that was cut out of the weights, also
// when requests for different slices run at the same time, and none takes over the cache of another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "engine/engine.h"
#include "engine/model.h"
#include "ops/step_inputs.h"

namespace troika::engine {
namespace {

const std::filesystem::path kGoldens = std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens";

struct Golden {
  std::vector<std::string> slices;
  std::vector<int32_t> prompt;
  std::vector<int> positions;
  std::vector<std::vector<int32_t>> continuations;  // by slice
  std::vector<float> logits;                        // [slices, positions, V]
  size_t vocabulary = 0;

  Golden() {
    auto json = nlohmann::json::parse(std::ifstream(kGoldens / "gemma3n-slices/slices.json"));
    for (const auto& slice : json["slices"]) slices.push_back(slice.dump());
    prompt = json["prompt"].get<std::vector<int32_t>>();
    positions = json["positions"].get<std::vector<int>>();
    continuations = json["continuations"].get<std::vector<std::vector<int32_t>>>();
    std::ifstream in(kGoldens / "gemma3n-slices/slices.npy", std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(in), {});
    uint16_t header = 0;
    std::memcpy(&header, bytes.data() + 8, sizeof header);
    logits.resize((bytes.size() - 10 - header) / sizeof(float));
    std::memcpy(logits.data(), bytes.data() + 10 + header, logits.size() * sizeof(float));
    vocabulary = logits.size() / slices.size() / positions.size();
  }
  std::span<const float> row(size_t slice, size_t position) const {
    return std::span(logits).subspan((slice * positions.size() + position) * vocabulary, vocabulary);
  }
};

const Golden& golden() {
  static const Golden all;
  return all;
}

std::unique_ptr<Engine> load(const char* name, const std::string& device = "cpu", const std::string& slice = "") {
  return Engine::load(kGoldens / name, {.device = device, .threads = 2, .float32 = true, .slice = slice});
}

// What one request gave. Submit it, then wait for it.
class Answer {
 public:
  Answer(Engine& engine, Request request) {
    bool wants_logits = request.max_tokens == 0;
    if (wants_logits) {
      request.prompt_logits = [this](int, std::span<const float> l) { logits.emplace_back(l.begin(), l.end()); };
    }
    engine.submit(std::move(request), [this](const Event& event) {
      std::lock_guard lock(mutex_);
      if (event.token >= 0) tokens.push_back(event.token);
      last = event;
      done_ = event.finish != Finish::none;
      changed_.notify_all();
    });
  }
  Answer& wait() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(120), [&] { return done_; }));
    return *this;
  }

  std::vector<int32_t> tokens;
  std::vector<std::vector<float>> logits;  // by prompt position
  Event last;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
};

Request greedy(const std::string& slice, int tokens) {
  return {.prompt = golden().prompt, .max_tokens = tokens, .sampling = {.temperature = 0},
          .stop_at_end_tokens = false, .slice = slice};
}

double deviation(std::span<const float> values) {
  double mean = 0, squares = 0;
  for (float v : values) mean += v / double(values.size());
  for (float v : values) squares += (v - mean) * (v - mean);
  return std::sqrt(squares / double(values.size()));
}

void expect_golden(const Answer& answer, size_t slice) {
  const Golden& g = golden();
  ASSERT_EQ(answer.logits.size(), g.prompt.size());
  double unit = deviation(g.logits);
  for (size_t p = 0; p < g.positions.size(); ++p) {
    std::span<const float> want = g.row(slice, p), got = answer.logits[g.positions[p]];
    double worst = 0;
    for (size_t i = 0; i < want.size(); ++i) worst = std::max(worst, double(std::abs(got[i] - want[i])));
    EXPECT_LT(worst, 1e-4 * unit) << g.slices[slice] << " at position " << g.positions[p];
  }
}

TEST(Slices, GiveTheLogitsOfTheModelThatWasCutOut) {
  for (const char* file : {"gemma3n", "gemma3n.f16.gguf"}) {
    for (const char* device : {"cpu", "reference"}) {
      SCOPED_TRACE(fmt::format("{} on {}", file, device));
      auto engine = load(file, device);
      for (size_t s = 0; s < golden().slices.size(); ++s) {
        Answer answer(*engine, {.prompt = golden().prompt, .slice = golden().slices[s]});
        answer.wait();
        expect_golden(answer, s);
      }
    }
  }
}

TEST(Slices, OfTheEngineAreWhatRequestsGetThatAskForNone) {
  auto engine = load("gemma3n", "cpu", golden().slices[2]);
  EXPECT_EQ(engine->model().slice, golden().slices[2]);
  Answer answer(*engine, {.prompt = golden().prompt});
  expect_golden(answer.wait(), 2);
  Answer other(*engine, {.prompt = golden().prompt, .slice = golden().slices[1]});
  expect_golden(other.wait(), 1);
}

TEST(Slices, RunSideBySideWithoutTouchingEachOther) {
  auto engine = load("gemma3n");
  auto whole = Answer(*engine, greedy("", 12)).wait().tokens;
  std::vector<std::unique_ptr<Answer>> answers;
  for (int round = 0; round < 3; ++round) {
    for (const std::string& slice : golden().slices) {
      answers.push_back(std::make_unique<Answer>(*engine, greedy(slice, 12)));
    }
    answers.push_back(std::make_unique<Answer>(*engine, greedy("", 12)));
  }
  size_t each = golden().slices.size() + 1;
  for (size_t i = 0; i < answers.size(); ++i) {
    size_t slice = i % each;
    EXPECT_EQ(answers[i]->wait().tokens, slice + 1 == each ? whole : golden().continuations[slice]) << i;
  }
}

TEST(Slices, TakeOverTheCacheOfTheirOwnTextsOnly) {
  auto engine = load("gemma3n");
  const Golden& g = golden();
  EXPECT_EQ(Answer(*engine, greedy(g.slices[0], 4)).wait().last.timings.reused_tokens, 0);
  EXPECT_EQ(Answer(*engine, greedy(g.slices[1], 4)).wait().last.timings.reused_tokens, 0);
  EXPECT_EQ(Answer(*engine, greedy("", 4)).wait().last.timings.reused_tokens, 0);
  Answer again(*engine, greedy(g.slices[1], 12));
  EXPECT_GE(again.wait().last.timings.reused_tokens, ops::kPageTokens);
  EXPECT_EQ(again.tokens, g.continuations[1]);
}

TEST(Slices, ThatCannotBeServedAreRefusedAtOnce) {
  auto engine = load("gemma3n");
  auto refused = [&](Engine& e, const std::string& slice) {
    try {
      e.submit(greedy(slice, 1), [](const Event&) {});
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refused(*engine, R"({"skip": [3]})"), ::testing::HasSubstr("layer 3"));
  std::string last;
  for (int width = 1; width <= 60 && last.empty(); ++width) {
    last = refused(*engine, fmt::format("{{\"ffn\": {}}}", width));
  }
  EXPECT_THAT(last, ::testing::HasSubstr("slices"));
  EXPECT_THAT(refused(*load("qwen2-tied"), "e2b"), ::testing::HasSubstr("no slices"));
  EXPECT_THROW(load("gemma3n", "cpu", "e2b"), Error);
}

// A table of which a token reads one row is neither read each step nor ahead.
TEST(Slices, ReadLessAndNeverTheTableOfLayerEmbeddings) {
  auto whole = load("gemma3n")->model(), part = load("gemma3n", "cpu", golden().slices[1])->model();
  EXPECT_EQ(whole.looked_up_bytes, size_t{289} * 7 * 12 * 2);
  EXPECT_LE(whole.streamed_bytes, whole.weight_bytes - whole.looked_up_bytes);
  EXPECT_LT(part.streamed_bytes, whole.streamed_bytes);
  EXPECT_LT(part.multiplied_weights, whole.multiplied_weights);
  EXPECT_EQ(part.weight_bytes, whole.weight_bytes);
}

TEST(Slices, AreCutBetweenBlocksOnly) {
  Model model = load_model(kGoldens / "gemma3n", {.device = "cpu", .threads = 1});
  EXPECT_NO_THROW(slice_of(model, R"({"ffn": 33})"));
  model.formats["layer.4.mlp.down.weight"] = Format::q8_0;  // as in a file with wider MLPs
  EXPECT_NO_THROW(slice_of(model, R"({"ffn": 32})"));
  EXPECT_NO_THROW(slice_of(model, ""));
  try {
    slice_of(model, R"({"ffn": 33})");
    ADD_FAILURE() << "cut inside a block";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("after 33 values, but its q8_0 blocks hold 32"));
  }
}

}  // namespace
}  // namespace troika::engine
