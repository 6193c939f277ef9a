// Answers that keep to a grammar: models of random weights, which would write anything, write what validates.
#include "engine/constraint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "engine/engine.h"
#include "engine/sampler.h"
#include "grammar/samples.h"
#include "grammar/schema_validator.h"

namespace troika::engine {
namespace {

using grammar::Json;
using grammar::samples::TokenWorld;
using testing::HasSubstr;

const std::filesystem::path kGoldens = std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens";
constexpr int kVocabulary = 331;  // of the golden models

struct Answer {
  std::vector<int32_t> tokens;
  Event last;
};

// Submits all at once; they run as one batch.
std::vector<Answer> run(Engine& engine, const std::vector<Request>& requests) {
  std::vector<Answer> answers(requests.size());
  std::vector<std::promise<void>> done(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    engine.submit(requests[i], [&, i](const Event& event) {
      if (event.token >= 0) answers[i].tokens.push_back(event.token);
      answers[i].last = event;
      if (event.finish != Finish::none) done[i].set_value();
    });
  }
  for (std::promise<void>& d : done) d.get_future().wait();
  return answers;
}

std::string text_of(const TokenWorld& world, const std::vector<int32_t>& ids) {
  std::string text;
  for (int32_t id : ids) text += world.vocabulary.text(id);
  return text;
}

const char* const kSchema =
    R"({"type": "object", "properties": {"name": {"type": "string", "maxLength": 6}, "n": {"type": "integer",
  "minimum": -5, "maximum": 300}, "list": {"type": "array", "items": {"enum": ["a", "bc", null]}, "maxItems": 4},
  "more": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["name", "n", "list"], "additionalProperties": false})";

TEST(Constraint, ModelsOfRandomWeightsWriteWhatValidates) {
  TokenWorld world(grammar::samples::random_texts(kVocabulary - 258, 7));
  auto grammar = world.grammar(grammar::samples::of_schema(kSchema));
  grammar::samples::SchemaValidator validator(Json::parse(kSchema));
  for (const char* model : {"qwen2-tied", "gemma3"}) {
    auto engine = Engine::load(kGoldens / model, {.device = "cpu", .threads = 2});
    std::vector<Request> requests;
    for (uint64_t seed = 0; seed < 48; ++seed) {
      requests.push_back(
          {.prompt = {int32_t(seed) + 1, 5, 9},
           .max_tokens = 120,
           .sampling = {.temperature = seed % 4 == 0 ? 0.0f : 1.5f, .top_p = 0.95f, .seed = seed},
           .grammar = grammar});
    }
    int ended = 0;
    for (const Answer& answer : run(*engine, requests)) {
      if (answer.last.finish == Finish::length) continue;
      ASSERT_EQ(answer.last.finish, Finish::stop) << answer.last.error;
      ++ended;
      const std::string text = text_of(world, answer.tokens);
      Json value = Json::parse(text, nullptr, false);
      ASSERT_FALSE(value.is_discarded()) << text;
      ASSERT_TRUE(validator.validates(value)) << text;
    }
    EXPECT_GT(ended, 24) << model;
  }
}

// What is whole has stopped, not been cut: clients throw away what was cut.
TEST(Constraint, StopsWithTheLastTokenThereIsRoomFor) {
  TokenWorld world(grammar::samples::random_texts(kVocabulary - 258, 7));
  auto engine = Engine::load(kGoldens / "qwen2-tied", {.device = "cpu", .threads = 2});
  Request request{.prompt = {1, 5, 9},
                  .max_tokens = 120,
                  .sampling = {.temperature = 0},
                  .grammar = world.grammar(grammar::samples::of_schema(R"({"enum": ["ab", "cd"]})"))};
  const Answer whole = run(*engine, {request}).front();
  ASSERT_EQ(whole.last.finish, Finish::stop);
  request.max_tokens = static_cast<int>(whole.tokens.size());
  const Answer exact = run(*engine, {request}).front();
  EXPECT_EQ(exact.last.finish, Finish::stop);
  EXPECT_EQ(exact.tokens, whole.tokens);
  --request.max_tokens;
  EXPECT_EQ(run(*engine, {request}).front().last.finish, Finish::length);
}

TEST(Constraint, DoesNotTouchTheNeighbours) {
  TokenWorld world(grammar::samples::random_texts(kVocabulary - 258, 7));
  auto engine = Engine::load(kGoldens / "qwen2-tied", {.device = "cpu", .threads = 2});
  const Request free{.prompt = {4, 5, 6, 7}, .max_tokens = 20, .sampling = {.temperature = 0}};
  Request bound = free;
  bound.grammar = world.grammar(grammar::samples::of_regex("[a-z]{10}"));
  const std::vector<int32_t> alone = run(*engine, {free})[0].tokens;
  const std::vector<Answer> together = run(*engine, {bound, free, bound});
  EXPECT_EQ(together[1].tokens, alone);
  EXPECT_EQ(together[0].tokens, together[2].tokens);
  EXPECT_EQ(text_of(world, together[0].tokens).size(), 10u);
  EXPECT_EQ(together[0].last.finish, Finish::stop);
}

TEST(Constraint, FailsAloneWhereItsGrammarHasTooManyWays) {
  // Long words, so that a mask takes many steps.
  TokenWorld world(grammar::samples::random_words(kVocabulary - 258, 300, 2));
  auto engine = Engine::load(kGoldens / "qwen2-tied", {.device = "cpu", .threads = 2});
  const Request free{.prompt = {4, 5, 6, 7}, .max_tokens = 20, .sampling = {.temperature = 0}};
  Request bound = free;
  bound.grammar = world.grammar(grammar::samples::of_ebnf(grammar::samples::many_ways("\"<\"")));
  const std::vector<int32_t> alone = run(*engine, {free})[0].tokens;
  const std::vector<Answer> together = run(*engine, {bound, free});
  EXPECT_EQ(together[0].last.finish, Finish::failed);
  EXPECT_THAT(together[0].last.error, HasSubstr("too many ways at once"));
  EXPECT_EQ(together[1].tokens, alone);
}

TEST(Constraint, ContradictsAnEndThatIsIgnored) {
  TokenWorld world(std::vector<std::string>{});
  auto engine = Engine::load(kGoldens / "qwen2-tied", {.device = "cpu", .threads = 1});
  Request request{.prompt = {1},
                  .max_tokens = 5,
                  .stop_at_end_tokens = false,
                  .grammar = world.grammar(grammar::samples::of_regex("a"))};
  EXPECT_THAT([&] { engine->submit(request, [](const Event&) {}); },
              testing::ThrowsMessage<Error>(HasSubstr("grammar")));
}

TEST(Sampler, PicksOnlyWhatIsAllowed) {
  constexpr int kTokens = 1000;
  std::mt19937 random(3);
  std::vector<float> logits(kTokens);
  for (float& l : logits) l = float(random() % 1000) / 100;
  const SamplingOptions ways[] = {{.temperature = 0},
                                  {.temperature = 1},
                                  {.temperature = 2, .top_k = 5},
                                  {.temperature = 1, .top_p = 0.5f},
                                  {.temperature = 1, .min_p = 0.2f},
                                  {.temperature = 1, .typical_p = 0.7f},
                                  {.temperature = 1, .top_k = 2000},
                                  {.temperature = 1, .presence_penalty = 1.5f},
                                  {.temperature = 1, .logit_bias = {{3, 100.0f}}}};
  for (size_t allowed_count : {1, 2, 64, 500, 999}) {
    grammar::TokenMask mask(kTokens);
    while (mask.count() < allowed_count) mask.allow(int32_t(random() % kTokens));
    for (SamplingOptions options : ways) {
      options.seed = 9;
      Sampler sampler(options, {}, kTokens);
      for (int i = 0; i < 50; ++i) ASSERT_TRUE(mask.allows(sampler.pick(logits, &mask)));
    }
  }
}

TEST(Sampler, PicksTheSameWhetherAllIsAllowedOrNothingIsAsked) {
  std::vector<float> logits(500);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = float(i % 37) / 4;
  grammar::TokenMask all(500);
  for (int32_t id = 0; id < 500; ++id) all.allow(id);
  Sampler one({.temperature = 0.8f, .top_p = 0.9f, .seed = 4}, {}, 500),
      other({.temperature = 0.8f, .top_p = 0.9f, .seed = 4}, {}, 500);
  for (int i = 0; i < 200; ++i) ASSERT_EQ(one.pick(logits), other.pick(logits, &all));
}

}  // namespace
}  // namespace troika::engine
