// A cache that survives: engines that come one after another, on models with and without windows.
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <fstream>
#include <mutex>
#include <random>
#include <thread>

#include "engine/engine.h"
#include "engine/fingerprint.h"
#include "engine/model.h"
#include "engine/held.h"
#include "engine/twin.h"
#include "ops/step_inputs.h"

namespace troika::engine {
namespace {

namespace fs = std::filesystem;
constexpr int P = ops::kPageTokens;

struct Answer {
  std::vector<int32_t> tokens;
  std::vector<float> logprobs;
  int reused = 0;
};

// A greedy request on its way; stays where it is until it is waited for.
class Asked {
 public:
  Asked(Engine& engine, Request request);
  Answer wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_; });
    return answer_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Answer answer_;
  bool done_ = false;
};

Asked::Asked(Engine& engine, Request request) {
  request.logprobs = true;
  request.stop_at_end_tokens = false;
  request.sampling.temperature = 0;
  engine.submit(std::move(request), [this](const Event& event) {
    std::lock_guard lock(mutex_);
    if (event.token >= 0) {
      answer_.tokens.push_back(event.token);
      answer_.logprobs.push_back(event.logprob);
    }
    done_ = event.finish != Finish::none;
    if (done_) answer_.reused = event.timings.reused_tokens;
    changed_.notify_all();
  });
}

Answer ask(Engine& engine, Request request) { return Asked(engine, std::move(request)).wait(); }

Request text(int tokens, int seed, std::string owner = "") {
  Request request{.max_tokens = 8, .owner = std::move(owner)};
  std::mt19937 random(seed);
  for (int i = 0; i < tokens; ++i) request.prompt.push_back(int32_t(random() % 97));
  return request;
}

struct Numbers {
  const char* model;  // in tests/goldens
  const char* kv = "auto";
  const char* device = "auto";
  const char* place = "";
};

class SpillTest : public ::testing::TestWithParam<Numbers> {
 protected:
  SpillTest() { fs::remove_all(folder_); }
  ~SpillTest() override { fs::remove_all(folder_); }

  std::unique_ptr<Engine> load(bool spills = true, std::string kv = GetParam().kv, size_t cache_pages = 0) {
    add_twin();
    EngineOptions options{.device = GetParam().device, .threads = 2, .kv = std::move(kv), .float32 = float32_};
    options.place = GetParam().place;
    if (cache_pages > 0) options.context = 192, options.kv_bytes = cache_pages * page_bytes_;
    if (spills) options.spill_folder = folder_, options.spill_bytes = 64 << 20;
    return Engine::load(fs::path(TROIKA_SOURCE_DIR) / "tests/goldens" / GetParam().model, options);
  }
  // Waits until all that is known is on disk.
  static void settle(Engine& engine) {
    uint64_t before = 0;
    for (int still = 0; still < 3;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      const uint64_t now = engine.stats().spilled_bytes;
      still = now > 0 && now == before ? still + 1 : 0;
      before = now;
    }
  }

  bool float32_ = false;
  size_t page_bytes_ = 0;  // of all groups together
  const fs::path folder_ = fs::temp_directory_path() / fmt::format("troika-spill-{}", getpid());
};

TEST_P(SpillTest, GoesOnWhereAnotherEngineStopped) {
  const Request request = text(5 * P + 3, 1);
  const Answer expected = ask(*load(false), request);
  {
    auto engine = load();
    ask(*engine, request);
    settle(*engine);
  }
  auto engine = load();
  const Answer answer = ask(*engine, request);
  EXPECT_EQ(answer.reused, 5 * P);
  EXPECT_EQ(answer.tokens, expected.tokens);
  EXPECT_EQ(answer.logprobs, expected.logprobs);
  EXPECT_EQ(engine->stats().restored_tokens, 5 * P);

  Request other = request;
  other.prompt[3 * P + 1] ^= 1;
  EXPECT_EQ(ask(*engine, other).tokens, ask(*load(false), other).tokens);
  EXPECT_EQ(ask(*engine, text(5 * P + 3, 1, "bob")).reused, 0);
}

TEST_P(SpillTest, ComputesWhatIsDamagedAnew) {
  const Request request = text(5 * P + 3, 1);
  const Answer expected = ask(*load(false), request);
  {
    auto engine = load();
    ask(*engine, request);
    settle(*engine);
  }
  for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
    if (entry.path().extension() != ".pages") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(std::streamoff(entry.file_size() / 2));
    file.put('?');
  }
  auto engine = load();
  const Answer answer = ask(*engine, request);
  EXPECT_LT(answer.reused, 5 * P);
  EXPECT_EQ(answer.tokens, expected.tokens);
  EXPECT_EQ(answer.logprobs, expected.logprobs);
}

TEST_P(SpillTest, TakesNoNumbersThatWereComputedInAnotherWay) {
  const Request request = text(5 * P + 3, 1);
  ask(*load(true, "f16"), request);
  EXPECT_EQ(ask(*load(true, "f16"), request).reused, 5 * P);
  if (GetParam().kv != std::string("auto")) { EXPECT_EQ(ask(*load(), request).reused, 0); }
  float32_ = true;
  EXPECT_EQ(ask(*load(true, "f16"), request).reused, 0);
}

TEST_P(SpillTest, BringsBackWhatHadToMakeRoom) {
  std::vector<Request> requests;
  for (int i = 0; i < 4; ++i) requests.push_back(text(P - 1, i)), requests.back().max_tokens = 4 * P;
  std::vector<Answer> expected;
  auto roomy = load(false);
  for (const Request& request : requests) expected.push_back(ask(*roomy, request));
  page_bytes_ = roomy->stats().cache_bytes / size_t(roomy->stats().pages_total);
  auto tight = load(true, GetParam().kv, 14);
  std::deque<Asked> asked;
  {
    Held held(*tight);
    for (const Request& request : requests) asked.emplace_back(*tight, request);
  }
  for (size_t i = 0; i < requests.size(); ++i) {
    const Answer answer = asked[i].wait();
    EXPECT_EQ(answer.tokens, expected[i].tokens) << i;
    EXPECT_EQ(answer.logprobs, expected[i].logprobs) << i;
  }
  EXPECT_GT(tight->stats().preemptions, 0);
  EXPECT_GT(tight->stats().restored_tokens, 0);
}

TEST_P(SpillTest, WritesTheRestWhenItEnds) {
  const Request request = text(5 * P + 3, 1);
  ask(*load(), request);
  EXPECT_EQ(ask(*load(), request).reused, 5 * P);
}

TEST(Fingerprint, ChangesWithTheTowerAndHowLargePicturesAreShown) {
  const fs::path goldens = fs::path(TROIKA_SOURCE_DIR) / "tests/goldens";
  const fs::path mmproj = fs::temp_directory_path() / fmt::format("troika-mmproj-{}.gguf", getpid());
  fs::copy_file(goldens / "qwen2.5-vl.mmproj.f16.gguf", mmproj, fs::copy_options::overwrite_existing);
  EngineOptions options{.mmproj = mmproj};
  const auto print = [&] { return fingerprint(load_model(goldens / "qwen2.5-vl.f16.gguf", options), options); };
  const vision::Hash first = print();
  EXPECT_EQ(print(), first);
  options.image_pixels = 10'000;
  EXPECT_NE(print(), first);
  options.image_pixels = 0;
  fs::last_write_time(mmproj, fs::last_write_time(mmproj) + std::chrono::seconds(5));
  EXPECT_NE(print(), first);
  fs::remove(mmproj);
}

INSTANTIATE_TEST_SUITE_P(Models, SpillTest,
                         ::testing::Values(Numbers{"qwen2-tied"}, Numbers{"gemma3"}, Numbers{"gemma3n"},
                                           Numbers{"../../models/troika-mini.gguf", "q8_0"},
                                           Numbers{"../../models/troika-mini.gguf", "q4_0"},
                                           Numbers{"qwen2-tied", "auto", "twin", "0:attend=cpu"}),  // caches on two devices
                         [](const auto& info) {
                           std::string name = fs::path(info.param.model).stem().string() + info.param.kv + info.param.place;
                           std::erase_if(name, [](unsigned char c) { return !std::isalnum(c); });
                           return name;
                         });

}  // namespace
}  // namespace troika::engine
