// Pictures through the engine, on golden models: the reference's greedy tokens whatever runs beside them, in
// whatever stretches, and however often the same picture comes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "engine/engine.h"
#include "engine/image_words.h"
#include "vision/decode.h"

namespace troika::engine {
namespace {

using ::testing::HasSubstr;

const std::filesystem::path kGoldens = std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens";

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

SharedPicture picture(const std::string& name) {
  std::string file = read_file(kGoldens / "images" / name);
  return std::make_shared<vision::Picture>(vision::decode(std::as_bytes(std::span(file))));
}

struct Golden {
  explicit Golden(const char* name) {
    auto json = nlohmann::json::parse(read_file(kGoldens / name / "golden.json"));
    prompts = json["prompts"].get<std::vector<std::vector<int32_t>>>();
    continuations = json["continuations"].get<std::vector<std::vector<int32_t>>>();
    images = json["images"].get<std::vector<std::vector<std::string>>>();
  }
  Request request(const Engine& engine, size_t i) const {
    std::vector<SharedPicture> pictures;
    for (const std::string& name : images[i]) pictures.push_back(picture(name));
    ImagePrompt prompt = eyes_of(engine).place(prompts[i], pictures);
    return {.prompt = prompt.tokens, .images = prompt.images, .max_tokens = int(continuations[i].size()),
            .sampling = {.temperature = 0}, .stop_at_end_tokens = false};
  }
  size_t first_with_images() const {
    size_t i = 0;
    while (images[i].empty()) ++i;
    return i;
  }
  std::vector<std::vector<int32_t>> prompts, continuations;
  std::vector<std::vector<std::string>> images;
};

struct Result {
  std::vector<int32_t> tokens;
  Event last;
};

std::vector<Result> run(Engine& engine, std::vector<Request> requests) {
  std::mutex mutex;
  std::condition_variable changed;
  size_t done = 0;
  std::vector<Result> results(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    engine.submit(std::move(requests[i]), [&, i](const Event& event) {
      std::lock_guard lock(mutex);
      if (event.token >= 0) results[i].tokens.push_back(event.token);
      results[i].last = event;
      if (event.finish != Finish::none) ++done;
      changed.notify_all();
    });
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return done == results.size(); });
  return results;
}

class Images : public ::testing::TestWithParam<const char*> {
 protected:
  std::unique_ptr<Engine> load(EngineOptions options = {}) const {
    options.device = "cpu";
    options.threads = 2;
    options.float32 = true;
    return Engine::load(kGoldens / GetParam(), options);
  }
};

TEST_P(Images, GiveTheReferencesTokensAloneAndTogether) {
  Golden golden(GetParam());
  auto engine = load();
  std::vector<Request> all;
  for (size_t i = 0; i < golden.prompts.size(); ++i) {
    EXPECT_EQ(run(*engine, {golden.request(*engine, i)})[0].tokens, golden.continuations[i]) << "prompt " << i;
    all.push_back(golden.request(*engine, i));
  }
  auto together = run(*engine, std::move(all));
  for (size_t i = 0; i < together.size(); ++i) EXPECT_EQ(together[i].tokens, golden.continuations[i]) << "prompt " << i;
}

TEST_P(Images, GiveTheSameTokensInSmallerSteps) {
  Golden golden(GetParam());
  auto engine = load({.batch_tokens = 40});
  for (size_t i = 0; i < golden.prompts.size(); ++i) {
    EXPECT_EQ(run(*engine, {golden.request(*engine, i)})[0].tokens, golden.continuations[i]) << "prompt " << i;
  }
}

TEST_P(Images, AreReadByTheMainLane) {
  Golden golden(GetParam());
  auto engine = load({.prefill_device = "cpu", .prefill_from = 32});
  std::vector<Request> all;
  int64_t long_texts = 0;
  for (size_t i = 0; i < golden.prompts.size(); ++i) {
    all.push_back(golden.request(*engine, i));
    long_texts += all.back().images.empty() && all.back().prompt.size() > 32;
  }
  auto together = run(*engine, std::move(all));
  for (size_t i = 0; i < together.size(); ++i) EXPECT_EQ(together[i].tokens, golden.continuations[i]) << "prompt " << i;
  EXPECT_LE(engine->stats().lane_prompts, long_texts);
}

TEST_P(Images, OfCancelledRequestsAreNotWaitedFor) {
  Golden golden(GetParam());
  auto engine = load();
  std::mutex mutex;
  std::condition_variable changed;
  size_t ended = 0;
  std::vector<uint64_t> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(engine->submit(golden.request(*engine, golden.first_with_images()), [&](const Event& event) {
      std::lock_guard lock(mutex);
      ended += event.finish != Finish::none;
      changed.notify_all();
    }));
  }
  for (uint64_t id : ids) engine->cancel(id);
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return ended == ids.size(); });
  lock.unlock();
  run(*engine, {{.prompt = {1}, .max_tokens = 1}});  // the engine has gone round since
  EXPECT_EQ(engine->stats().waiting, 0);
}

TEST_P(Images, GoThroughTheTowerOnce) {
  Golden golden(GetParam());
  auto engine = load();
  size_t i = golden.first_with_images();
  run(*engine, {golden.request(*engine, i)});
  int64_t pictures = engine->stats().pictures;
  EXPECT_GT(engine->stats().busy_s, engine->stats().step_seconds.sum) << "the tower takes time too";
  EXPECT_GT(pictures, 0);
  EXPECT_EQ(run(*engine, {golden.request(*engine, i)})[0].tokens, golden.continuations[i]);
  EXPECT_EQ(engine->stats().pictures, pictures);
}

TEST_P(Images, AreNotForgottenWhenTheCacheHoldsNone) {
  Golden golden(GetParam());
  auto engine = load({.image_cache_bytes = 0});
  size_t i = golden.first_with_images();
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(run(*engine, {golden.request(*engine, i)})[0].tokens, golden.continuations[i]);
  }
}

TEST_P(Images, GiveTheLogitsOfEveryPosition) {
  Golden golden(GetParam());
  auto engine = load();
  Request request = golden.request(*engine, golden.first_with_images());
  std::vector<int> positions;
  int tokens = int(request.prompt.size());
  request.max_tokens = 0;
  request.prompt_logits = [&](int position, std::span<const float>) { positions.push_back(position); };
  run(*engine, {std::move(request)});
  ASSERT_EQ(int(positions.size()), tokens);
  for (int i = 0; i < tokens; ++i) EXPECT_EQ(positions[size_t(i)], i);
}

TEST_P(Images, MayNotBeFewerThanTheirPlaceholders) {
  Golden golden(GetParam());
  auto engine = load();
  EXPECT_THROW(engine->eyes()->place(golden.prompts[golden.first_with_images()], {}), Error);
}

TEST_P(Images, CanBeCancelledOnTheirWay) {
  Golden golden(GetParam());
  auto engine = load();
  std::mutex mutex;
  std::condition_variable changed;
  Finish finish = Finish::none;
  uint64_t id = engine->submit(golden.request(*engine, golden.first_with_images()), [&](const Event& event) {
    std::lock_guard lock(mutex);
    finish = event.finish;
    changed.notify_all();
  });
  engine->cancel(id);
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return finish != Finish::none; });
  EXPECT_EQ(run(*engine, {golden.request(*engine, 0)})[0].tokens, golden.continuations[0]);
}

INSTANTIATE_TEST_SUITE_P(Goldens, Images, ::testing::Values("qwen2.5-vl", "gemma3-vl"), [](const auto& info) {
  std::string name = info.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

TEST(Gemma3Images, RefuseAStepThatCannotHoldOne) {
  Golden golden("gemma3-vl");
  auto engine = Engine::load(kGoldens / "gemma3-vl", {.device = "cpu", .threads = 1, .batch_tokens = 2});
  Request request = golden.request(*engine, golden.first_with_images());
  EXPECT_THROW(engine->submit(std::move(request), [](const Event&) {}), Error);
}

TEST(TextOnlyModel, SaysThatItReadsTextOnly) {
  auto engine = Engine::load(kGoldens / "qwen2-tied", {.device = "cpu", .threads = 1});
  EXPECT_EQ(engine->eyes(), nullptr);
  try {
    eyes_of(*engine);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("reads text only"));
  }
}

TEST(ImageWords, AreSetInNewlinesByGemma) {
  models::ModelSpec gemma{.family = "gemma3"};
  EXPECT_EQ(dress_images(gemma, "a <start_of_image>b"), "a \n\n<start_of_image><end_of_image>\n\nb");
  EXPECT_EQ(count_placeholders(gemma, "<start_of_image> and <start_of_image>"), 2u);
}

// Gemma3Processor's sentence for pan and scan.
TEST(ImageWords, IntroduceThePartsOfAPicture) {
  models::ModelSpec gemma{.family = "gemma3"};
  std::string image = "\n\n<start_of_image><end_of_image>\n\n";
  int crops[] = {2};
  EXPECT_EQ(dress_images(gemma, "<start_of_image>?", crops),
            "Here is the original image " + image + " and here are some crops to help you see better " + image + " " +
                image + "?");
  EXPECT_THROW(dress_images(gemma, "no picture", crops), Error);
}

TEST(ImageWords, StayAsTheTemplateWroteThemForQwen) {
  models::ModelSpec qwen{.family = "qwen2vl"};
  std::string text = "<|vision_start|><|image_pad|><|vision_end|>What?";
  EXPECT_EQ(dress_images(qwen, text), text);
  EXPECT_EQ(count_placeholders(qwen, text), 1u);
}

}  // namespace
}  // namespace troika::engine
